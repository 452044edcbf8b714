import type { ReactElement } from 'react';

import type { IState } from '../state';
import { Empty } from './empty';

/** Why there is nothing to show. */
export type Reason =
  'no-notebook' | 'no-kernel' | 'connecting' | 'absent' | 'restarting' | 'dead' | 'loading' | 'no-nets';

/** The reason why there is nothing to show yet, or null where there is something. */
export function reasonOf(state: IState | null): Reason | null {
  if (state === null) {
    return 'no-notebook';
  }
  if (state.graph !== null) {
    return null; // what was seen stays while the connection is opened anew
  }
  if (state.link !== 'connected') {
    return state.link;
  }
  if (!state.listed) {
    return 'loading';
  }
  return state.nets.length === 0 ? 'no-nets' : 'loading';
}

/** Words for a reason, and what to do about it. */
export function Vacancy(props: { reason: Reason; path: string; onOpen: () => void }): ReactElement {
  const { reason, path, onOpen } = props;
  switch (reason) {
    case 'no-notebook':
      return (
        <Empty reason={reason} title="The notebook is closed">
          <p>This panel looks into the kernel of {path}.</p>
          <button className="jp-mod-styled jp-mod-accept" onClick={onOpen}>
            Open the notebook
          </button>
        </Empty>
      );
    case 'no-kernel':
      return (
        <Empty reason={reason} title="The notebook has no kernel">
          <p>Choose a Python kernel at the notebook&apos;s upper right.</p>
        </Empty>
      );
    case 'connecting':
      return (
        <Empty reason={reason} title="Connecting to the kernel" waiting>
          <p>The panel follows by itself.</p>
        </Empty>
      );
    case 'absent':
      return (
        <Empty reason={reason} title="caffe_nb is not loaded in this kernel">
          <p>Run this in a cell; the panel follows by itself.</p>
          <pre>%load_ext caffe_nb</pre>
        </Empty>
      );
    case 'restarting':
      return (
        <Empty reason={reason} title="The kernel restarts" waiting>
          <p>The panel comes back as soon as caffe_nb is loaded again.</p>
        </Empty>
      );
    case 'dead':
      return (
        <Empty reason={reason} title="The kernel is dead">
          <p>Restart it from the notebook&apos;s Kernel menu.</p>
        </Empty>
      );
    case 'loading':
      return <Empty reason={reason} title="Fetching the net" waiting />;
    case 'no-nets':
      return (
        <Empty reason={reason} title="No nets yet">
          <p>A net appears here as soon as a cell makes one.</p>
          <pre>{'import caffe\nnet = caffe.Net("net.prototxt", caffe.TRAIN)'}</pre>
        </Empty>
      );
  }
}
