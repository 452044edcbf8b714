import type { ReactElement } from 'react';
import { useMemo } from 'react';

import { useService, useSignal } from '../../components/hooks';
import { testids } from '../../components/testids';
import type { GraphNode } from '../../protocol';
import type { Service } from '../../service';
import { BlobCard } from './card';
import type { IRole } from './model';
import { roles } from './model';
import type { IPin } from './shelf';
import { findPin, pinOf, samePin, shelfOf } from './shelf';

interface IShown {
  node: GraphNode;
  role: IRole;
  pinned: boolean;
}

/** The pinned blobs; then bottoms, tops and parameters of the layer, each with its data and diff. */
export function TensorsBody({ service, node }: { service: Service; node: GraphNode | null }): ReactElement {
  const net = useService(service, state => state.net) ?? '';
  const graph = useService(service, state => state.graph);
  const shelf = shelfOf(service);
  const pins = useSignal(shelf.changed, () => shelf.pins);
  const own = useMemo(() => (node ? roles(node) : []), [node]);
  const shown: IShown[] = [];
  for (const pin of pins) {
    const found = findPin(graph, pin);
    if (found) {
      shown.push({ ...found, pinned: true });
    }
  }
  for (const role of own) {
    if (node && !pins.some(pin => samePin(pin, pinOf(node, role)))) {
      shown.push({ node, role, pinned: false });
    }
  }
  return (
    <>
      {pins
        .filter(pin => graph !== null && findPin(graph, pin) === null)
        .map(pin => (
          <Missing key={`${pin.layer} ${pin.role} ${pin.blob}`} service={service} pin={pin} />
        ))}
      {shown.map(each => (
        <BlobCard
          key={`${net} ${each.node.name} ${each.role.blob.ref}`}
          service={service}
          net={net}
          {...each}
        />
      ))}
      {node === null ? (
        <p className="caffe-nb-hint">Select a layer in the graph to look into it.</p>
      ) : own.length === 0 ? (
        <p className="caffe-nb-hint">This layer has neither blobs nor parameters.</p>
      ) : null}
    </>
  );
}

/** A pinned blob that the net shown does not have. */
function Missing({ service, pin }: { service: Service; pin: IPin }): ReactElement {
  return (
    <p className="caffe-nb-hint caffe-nb-missing">
      {pin.role} {pin.blob} of {pin.layer} is pinned; this net does not have it.
      <button
        className="caffe-nb-mini"
        data-testid={testids.pin}
        aria-pressed={true}
        onClick={() => shelfOf(service).toggle(pin)}
      >
        Unpin
      </button>
    </p>
  );
}
