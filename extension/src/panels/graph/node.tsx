import type { Node, NodeProps } from '@xyflow/react';
import type { CSSProperties, ReactElement } from 'react';
import { memo } from 'react';

import { formatNumber, formatTime } from '../../components/format';
import { testids } from '../../components/testids';
import { formatCount, paramCount } from './figures';
import type { IGroupFace, INodeFace } from './model';
import { BAD_WORDS, familyOfNode, joinedWith, totalTime, withinOf, worstOf } from './model';

/** What an item of the graph shows. */
export type Looks = { readonly heat: number | null; readonly path: 'on' | 'off' | '' } & (
  | { readonly kind: 'layer'; readonly face: INodeFace; readonly label: string }
  | { readonly kind: 'group'; readonly face: IGroupFace }
);

export type ItemNode = Node<{ looks: Looks }, 'item'>;

/** A layer, a closed group, or the frame of an open one. One component, and plain marks where lines end: cheap to draw. */
export const ItemBox = memo(function ItemBox({ data: { looks } }: NodeProps<ItemNode>): ReactElement {
  return (
    <>
      <div className="target" data-handlepos="top" />
      <ItemFace looks={looks} />
      <div className="source" data-handlepos="bottom" />
    </>
  );
});

function ItemFace({ looks }: { looks: Looks }): ReactElement {
  return looks.kind === 'layer' ? (
    <LayerFace face={looks.face} label={looks.label} heat={looks.heat} path={looks.path} />
  ) : looks.face.open ? (
    <Frame face={looks.face} />
  ) : (
    <GroupFace face={looks.face} heat={looks.heat} path={looks.path} />
  );
}

const STALE = 'its values are older than the last edit; run the net, or net.refresh()';

interface IPainted {
  heat?: number | null;
  path?: Looks['path'];
}

/** What is seen of a layer: name and marks above, type, parameters and time below. */
export function LayerFace(props: IPainted & { face: INodeFace; label?: string }): ReactElement {
  const { face, heat = null, path = '' } = props;
  const { node, state, selected, running, stale } = face;
  const check = state?.check ?? null;
  const error = state?.error ?? null;
  const params = paramCount([node]);
  return (
    <div
      className="caffe-nb-node"
      title={error ? error.message : stale ? `${node.name}: ${STALE}` : node.name}
      style={heatStyle(heat)}
      data-testid={testids.graphNode}
      data-layer={node.name}
      data-index={node.index}
      data-version={state?.version ?? 0}
      data-error={error !== null}
      data-bad={face.bad}
      data-check={check ? (check.ok ? 'pass' : 'fail') : 'none'}
      data-selected={selected}
      data-stale={stale}
      data-held={face.held}
      data-break={face.breakpoint}
      data-running={running !== null}
      data-direction={running ?? ''}
      data-family={familyOfNode(node)}
      data-path={path}
      data-heat={heat === null ? '' : heat.toFixed(2)}
    >
      <div className="caffe-nb-node-line">
        {face.breakpoint ? <span className="caffe-nb-break-dot" title="breakpoint" /> : null}
        <span className="caffe-nb-name">{props.label ?? node.name}</span>
        <Badges face={face} />
        {face.bad ? <Bad word={face.bad} title={`${BAD_WORDS[face.bad]} in ${face.badPlaces}`} /> : null}
        {check ? <Mark ok={check.ok} /> : null}
        {error ? <span className="caffe-nb-mark caffe-nb-error-mark">!</span> : null}
      </div>
      <div className="caffe-nb-node-line caffe-nb-node-below">
        <span className="caffe-nb-type">
          {node.python ? node.python.split('.').at(-1) : node.type}
          {node.in_place ? <span title="writes where it reads"> ⟲</span> : null}
        </span>
        <Figures
          params={params}
          time={totalTime(face.time)}
          within={withinOf(face.time)}
          gradient={face.gradient}
        />
      </div>
    </div>
  );
}

/** Values that are not finite. */
function Bad({ word, title }: { word: string; title: string }): ReactElement {
  return (
    <span className="caffe-nb-badge caffe-nb-not-finite" title={title}>
      {word}
    </span>
  );
}

function Badges({ face: { node, state } }: { face: INodeFace }): ReactElement {
  const shared = node.shared.filter(Boolean);
  return (
    <>
      {node.phase ? (
        <span className="caffe-nb-badge" title={`in the ${node.phase} phase only`}>
          {node.phase.toLowerCase()}
        </span>
      ) : null}
      {node.frozen ? (
        <span className="caffe-nb-badge" title="frozen: lr_mult is 0 for all its parameters">
          frozen
        </span>
      ) : null}
      {shared.length > 0 ? (
        <span
          className="caffe-nb-badge"
          title={`shares ${shared.join(', ')} with other layers of the same param name`}
        >
          shared
        </span>
      ) : null}
      {node.python ? <span className="caffe-nb-badge caffe-nb-python">v{state?.version ?? 0}</span> : null}
    </>
  );
}

function Mark({ ok }: { ok: boolean }): ReactElement {
  return (
    <span className={ok ? 'caffe-nb-mark caffe-nb-pass' : 'caffe-nb-mark caffe-nb-fail'}>
      {ok ? '✓' : '✗'}
    </span>
  );
}

/** Where gradients are shown, they take the place of the time. */
function Figures(props: {
  params: number;
  time: number;
  within?: string;
  gradient?: number | null;
}): ReactElement {
  const { params, time, within = '', gradient = null } = props;
  return (
    <>
      {params > 0 ? (
        <span className="caffe-nb-number" title={`${params} parameters`}>
          w {formatCount(params)}
        </span>
      ) : null}
      {gradient !== null ? (
        <span className="caffe-nb-number caffe-nb-node-time" title="mean magnitude of the diffs of its tops">
          ∇ {formatNumber(gradient, 2)}
        </span>
      ) : time > 0 ? (
        <span className="caffe-nb-number caffe-nb-node-time" title="forward and backward together">
          {formatTime(time)}
        </span>
      ) : within !== '' ? (
        <span className="caffe-nb-number caffe-nb-node-time" title={joinedWith(within)}>
          ↑
        </span>
      ) : null}
    </>
  );
}

/** A closed group. */
function GroupFace({ face, heat = null, path = '' }: IPainted & { face: IGroupFace }): ReactElement {
  const { group, params, time } = face;
  return (
    <div
      className="caffe-nb-node caffe-nb-graph-group"
      style={heatStyle(heat)}
      {...groupData(face)}
      data-path={path}
      data-heat={heat === null ? '' : heat.toFixed(2)}
    >
      <div className="caffe-nb-node-line">
        <span className="caffe-nb-graph-fold" aria-hidden>
          ▸
        </span>
        <span className="caffe-nb-name">{group.name}</span>
        <GroupMarks face={face} />
      </div>
      <div className="caffe-nb-node-line caffe-nb-node-below">
        <span className="caffe-nb-type">{group.members.length} layers</span>
        <Figures params={params} time={time} />
      </div>
    </div>
  );
}

/** An open group: its name above its layers. */
function Frame({ face }: { face: IGroupFace }): ReactElement {
  const { group, params, time } = face;
  return (
    <div className="caffe-nb-graph-frame" {...groupData(face)}>
      <div className="caffe-nb-graph-frame-header">
        <span className="caffe-nb-graph-fold" aria-hidden>
          ▾
        </span>
        <span className="caffe-nb-name">{group.name}</span>
        <GroupMarks face={face} />
        <span className="caffe-nb-graph-frame-figures">
          <Figures params={params} time={time} />
        </span>
      </div>
    </div>
  );
}

function groupData(
  face: IGroupFace
): { title: string } & Record<`data-${string}`, string | number | boolean> {
  const { group, open, selected, errors, stale, running, family } = face;
  return {
    title: `${group.id.replace('//', ' block ')}: ${group.members.length} layers; click to ${open ? 'close' : 'open'}`,
    'data-testid': testids.graphGroup,
    'data-group': group.id,
    'data-open': open,
    'data-count': group.members.length,
    'data-worst': worstOf(face),
    'data-selected': selected && !open,
    'data-error': errors > 0 && !open,
    'data-stale': stale && !open,
    'data-running': running !== null && !open,
    'data-family': family
  };
}

function GroupMarks({ face: { errors, fails, bads } }: { face: IGroupFace }): ReactElement {
  return (
    <>
      {bads > 0 ? <Bad word="NaN" title={`NaN or infinity in ${bads} layers`} /> : null}
      {fails > 0 ? <Mark ok={false} /> : null}
      {errors > 0 ? <span className="caffe-nb-mark caffe-nb-error-mark">!</span> : null}
    </>
  );
}

function heatStyle(heat: number | null): CSSProperties | undefined {
  return heat === null
    ? undefined
    : {
        background: `color-mix(in srgb, var(--caffe-nb-heat) ${Math.round(8 + 62 * heat)}%, var(--jp-layout-color1))`
      };
}
