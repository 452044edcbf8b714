import type { Edge, EdgeProps } from '@xyflow/react';
import { BaseEdge, EdgeLabelRenderer } from '@xyflow/react';
import type { ReactElement } from 'react';
import { memo } from 'react';

import type { IPlacedEdge } from './layout';
import { roundedPath } from './layout';

export type BlobEdge = Edge<{ placed: IPlacedEdge; near: boolean; off: boolean }, 'blob'>;

/** A blob on its way, along the route that the layout found. Texts stand above all lines, none runs through them. */
export const BlobLine = memo(function BlobLine({
  id,
  data,
  markerEnd
}: EdgeProps<BlobEdge>): ReactElement | null {
  if (!data) {
    return null;
  }
  const { points, label, text } = data.placed;
  return (
    <>
      <BaseEdge
        id={id}
        path={roundedPath(points)}
        interactionWidth={0}
        {...(markerEnd === undefined ? {} : { markerEnd })}
      />
      {label ? (
        <EdgeLabelRenderer>
          <div
            className="caffe-nb-edge-text"
            data-near={data.near}
            data-off={data.off}
            style={{ transform: `translate(-50%, -50%) translate(${label.x}px, ${label.y}px)` }}
          >
            {text}
          </div>
        </EdgeLabelRenderer>
      ) : null}
    </>
  );
});
