import type { Edge, EdgeProps } from '@xyflow/react';
import { BaseEdge } from '@xyflow/react';
import type { ReactElement } from 'react';
import { memo } from 'react';

import type { IPlacedEdge } from './layout';
import { roundedPath } from './layout';

export type BlobEdge = Edge<{ placed: IPlacedEdge }, 'blob'>;

/** A blob on its way, along the route that the layout found. */
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
      <BaseEdge id={id} path={roundedPath(points)} {...(markerEnd === undefined ? {} : { markerEnd })} />
      {label ? (
        <text
          className="caffe-nb-edge-text"
          x={label.x}
          y={label.y}
          textAnchor="middle"
          dominantBaseline="central"
        >
          {text}
        </text>
      ) : null}
    </>
  );
});
