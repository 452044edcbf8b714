import type { ReactElement } from 'react';

import type { Service } from '../service';
import { useService } from './hooks';
import { testids } from './testids';

/** Why something could not be fetched. While the kernel is away it is only waited for: it is fetched again then. */
export function Unanswered({ service, failure }: { service: Service; failure: string }): ReactElement {
  const away = useService(service, ({ link }) => link !== 'connected');
  return away ? <Waiting /> : <p className="caffe-nb-failure">{failure}</p>;
}

/** Says that an answer is on its way. */
export function Waiting(): ReactElement {
  return (
    <p className="caffe-nb-hint" role="status" data-testid={testids.waiting}>
      Waiting for the kernel…
    </p>
  );
}
