import type { ReactElement } from 'react';

import type { Tab } from '../choice';
import { GradientsBody } from '../panels/gradients/body';
import type { OpenFile } from './openbutton';
import { SourceBody } from '../panels/source/body';
import { TensorsBody } from '../panels/tensor/body';
import { TrainingBody } from '../panels/training/body';
import type { GraphNode, LayerError } from '../protocol';
import type { Service } from '../service';
import type { IState } from '../state';
import { Boundary } from './boundary';
import { LayerControls } from './controls';
import { FailedElsewhere } from './elsewhere';
import { useService, useSignal } from './hooks';
import { Tabs } from './tabs';
import { testids } from './testids';

/** The tabs' bodies, as sentences begin. */
const NAMES: Readonly<Record<Tab, string>> = {
  tensors: 'The tensors',
  gradients: 'The gradient check',
  source: 'The source',
  training: 'The training'
};

/** Everything about the selected layer, and the training of the net. */
export function Details({ service, openFile }: { service: Service; openFile: OpenFile }): ReactElement {
  const tab = useSignal(service.choice.changed, () => service.choice.tab);
  const open = (which: Tab): void => service.choice.open(which);
  const graph = useService(service, state => state.graph);
  const selected = useService(service, state => state.selected);
  const node = graph?.nodes.find(({ index }) => index === selected) ?? null;
  return (
    <div className="caffe-nb-details" data-testid={testids.details} data-layer={node?.name ?? ''}>
      <ErrorLine
        service={service}
        node={node}
        onShow={tab === 'source' && node !== null ? null : () => open('source')}
      />
      <FailedElsewhere service={service} />
      {node ? <LayerLine service={service} node={node} /> : null}
      <Tabs open={tab} onOpen={open}>
        <Boundary name={NAMES[tab]} shows={`${tab} ${node?.index ?? ''}`}>
          {tab === 'training' ? (
            <TrainingBody service={service} />
          ) : tab === 'tensors' ? (
            <TensorsBody service={service} node={node} />
          ) : node === null ? (
            <p className="caffe-nb-hint">Select a layer in the graph to look into it.</p>
          ) : tab === 'gradients' ? (
            <GradientsBody key={node.index} service={service} node={node} openFile={openFile} />
          ) : (
            <SourceBody key={node.index} service={service} node={node} openFile={openFile} />
          )}
        </Boundary>
      </Tabs>
    </div>
  );
}

function LayerLine({ service, node }: { service: Service; node: GraphNode }): ReactElement {
  const facts = [
    node.in_place ? 'in place' : '',
    node.loss_weight === 0 ? '' : `loss weight ${node.loss_weight ?? 'not finite'}`,
    node.needs_backward ? '' : 'no backward needed',
    node.line > 0 ? `line ${node.line}` : ''
  ].filter(Boolean);
  return (
    <div className="caffe-nb-layer">
      <h3 title={node.name}>{node.name}</h3>
      <span>{node.python || node.type}</span>
      {facts.map(fact => (
        <span key={fact} className="caffe-nb-fact">
          {fact}
        </span>
      ))}
      <LayerControls key={node.index} service={service} node={node} />
    </div>
  );
}

/** The selected layer's error, or else the first one of the net. */
function ErrorLine(props: {
  service: Service;
  node: GraphNode | null;
  /** Null where the error is shown already. */
  onShow: (() => void) | null;
}): ReactElement | null {
  const { service, node, onShow } = props;
  const found = firstError(
    useService(service, state => state.states),
    node?.index ?? null
  );
  const faulty = found ? service.node(found.index) : null;
  if (!found || !faulty) {
    return null;
  }
  const show = (): void => {
    service.select(faulty.index);
    onShow?.();
  };
  return (
    <div
      className={found.error.refused ? 'caffe-nb-error-line caffe-nb-refused' : 'caffe-nb-error-line'}
      role="alert"
      data-testid={testids.error}
      data-layer={faulty.name}
    >
      <p>
        <b>{faulty.name}</b>: {found.error.message}
      </p>
      {onShow === null && faulty === node ? null : (
        <button className="jp-mod-styled" onClick={show}>
          Show
        </button>
      )}
    </div>
  );
}

function firstError(
  states: IState['states'],
  selected: number | null
): { index: number; error: LayerError } | null {
  const own = selected === null ? undefined : states.get(selected);
  for (const state of [...(own ? [own] : []), ...states.values()]) {
    if (state.error) {
      return { index: state.index, error: state.error };
    }
  }
  return null;
}
