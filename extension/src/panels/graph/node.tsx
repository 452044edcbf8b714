import type { Node, NodeProps } from '@xyflow/react';
import { Handle, Position } from '@xyflow/react';
import type { ReactElement } from 'react';
import { memo } from 'react';

import { formatTime } from '../../components/format';
import { testids } from '../../components/testids';
import type { INodeFace } from './model';
import { familyOf } from './model';

export type LayerNode = Node<{ face: INodeFace }, 'layer'>;

/** A layer in the graph. */
export const LayerBox = memo(function LayerBox({ data }: NodeProps<LayerNode>): ReactElement {
  return (
    <>
      <Handle type="target" position={Position.Top} isConnectable={false} />
      <LayerFace face={data.face} />
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </>
  );
});

const STALE = 'its values are older than the last edit; run the net, or net.refresh()';

/** What is seen of a layer: name and marks above, type and time below. */
export function LayerFace({ face }: { face: INodeFace }): ReactElement {
  const { node, state, time, selected, running, stale } = face;
  const check = state?.check ?? null;
  const error = state?.error ?? null;
  const total = time ? time.forward + time.backward : 0;
  return (
    <div
      className="caffe-nb-node"
      title={error ? error.message : stale ? `${node.name}: ${STALE}` : node.name}
      data-testid={testids.graphNode}
      data-layer={node.name}
      data-index={node.index}
      data-version={state?.version ?? 0}
      data-error={error !== null}
      data-check={check ? (check.ok ? 'pass' : 'fail') : 'none'}
      data-selected={selected}
      data-stale={stale}
      data-running={running !== null}
      data-direction={running ?? ''}
      data-family={node.python ? 'python' : familyOf(node.type)}
    >
      <div className="caffe-nb-node-line">
        <span className="caffe-nb-name">{node.name}</span>
        {node.python ? <span className="caffe-nb-badge caffe-nb-python">v{state?.version ?? 0}</span> : null}
        {check ? (
          <span className={check.ok ? 'caffe-nb-mark caffe-nb-pass' : 'caffe-nb-mark caffe-nb-fail'}>
            {check.ok ? '✓' : '✗'}
          </span>
        ) : null}
        {error ? <span className="caffe-nb-mark caffe-nb-error-mark">!</span> : null}
      </div>
      <div className="caffe-nb-node-line caffe-nb-node-below">
        <span className="caffe-nb-type">
          {node.python ? node.python.split('.').at(-1) : node.type}
          {node.in_place ? <span title="writes where it reads"> ⟲</span> : null}
        </span>
        {total > 0 ? <span className="caffe-nb-number">{formatTime(total)}</span> : null}
      </div>
    </div>
  );
}
