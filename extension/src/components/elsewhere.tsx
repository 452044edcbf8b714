import type { ReactElement } from 'react';

import type { FailedLayer, NetInfo } from '../protocol';
import type { Service } from '../service';
import type { IState } from '../state';
import { useService } from './hooks';
import { testids } from './testids';

/** What has failed in the other nets of the solver whose net is shown, with a way there. */
export function FailedElsewhere({ service }: { service: Service }): ReactElement | null {
  const nets = useService(service, state => state.nets);
  const net = useService(service, state => state.net);
  const states = useService(service, state => state.states);
  const graph = useService(service, state => state.graph);
  const shownHere = ({ name, message }: FailedLayer): boolean => {
    const here = graph?.nodes.find(node => node.name === name);
    return here !== undefined && states.get(here.index)?.error?.message === message;
  };
  const found = failedSiblings(nets, net).filter(({ failed }) => !shownHere(failed));
  if (found.length === 0) {
    return null;
  }
  const show = (id: string, { name }: FailedLayer): void => {
    service.choice.select(name);
    service.chooseNet(id);
  };
  return (
    <>
      {found.map(({ info, failed }) => (
        <div
          key={info.id}
          className="caffe-nb-error-line"
          role="alert"
          data-testid={testids.elsewhere}
          data-net={info.id}
          data-layer={failed.name}
        >
          <p>
            In {wordsFor(info)}, layer <b>{failed.name}</b>: {failed.message}
          </p>
          <button className="jp-mod-styled" onClick={() => show(info.id, failed)}>
            Show {wordsFor(info)}
          </button>
        </div>
      ))}
    </>
  );
}

/** The nets in error that the same solver drives as the net shown. */
function failedSiblings(
  nets: IState['nets'],
  shown: string | null
): { info: NetInfo; failed: FailedLayer }[] {
  const trained = nets.find(({ id }) => id === shown)?.trained ?? '';
  return trained === ''
    ? []
    : nets.flatMap(info =>
        info.failed && info.trained === trained && info.id !== shown ? [{ info, failed: info.failed }] : []
      );
}

function wordsFor({ test_net }: NetInfo): string {
  return test_net < 0 ? 'the train net' : `test net ${test_net}`;
}
