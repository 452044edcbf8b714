import type { ReactElement } from 'react';

import { useService } from '../../components/hooks';
import type { Service } from '../../service';
import { useFeed } from './feed';
import { HealthStrip } from './strip';
import { BadBanner, Options } from './options';
import { Scalars } from './scalars';
import { Ranks } from './ranks';
import { Times } from './times';

/** How the training goes, and where the time goes. */
export function TrainingBody({ service }: { service: Service }): ReactElement | null {
  const net = useService(service, state => state.net);
  return net === null ? null : <TrainingOf key={net} service={service} net={net} />;
}

function TrainingOf({ service, net }: { service: Service; net: string }): ReactElement {
  const feed = useFeed(service, net);
  return (
    <div className="caffe-nb-section">
      <BadBanner service={service} feed={feed} />
      <Scalars service={service} feed={feed} />
      <HealthStrip service={service} net={net} />
      <Options service={service} feed={feed} />
      <Ranks ranks={feed.training?.ranks ?? []} />
      <Times service={service} />
    </div>
  );
}
