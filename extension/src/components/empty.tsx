import type { ReactElement, ReactNode } from 'react';

import { testids } from './testids';

/** What is shown where there is nothing to show: why, and what to do. */
export function Empty(props: {
  reason: string;
  title: string;
  children?: ReactNode;
  waiting?: boolean;
}): ReactElement {
  const { reason, title, children, waiting } = props;
  return (
    <div className="caffe-nb-empty" data-testid={testids.empty} data-reason={reason} role="status">
      {waiting ? <div className="caffe-nb-spinner" aria-hidden="true" /> : null}
      <h3>{title}</h3>
      {children}
    </div>
  );
}
