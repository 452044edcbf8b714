import type { ReactElement } from 'react';
import { useState } from 'react';

import { testids } from './testids';

/** Opens a file in JupyterLab at a line; false where the server does not reach it. */
export type OpenFile = (path: string, line: number) => Promise<boolean>;

/** Opens a file at a line. */
export function OpenButton(props: {
  path: string;
  line: number;
  label?: string;
  openFile: OpenFile;
}): ReactElement {
  const { path, line, openFile } = props;
  const [failed, setFailed] = useState(false);
  const open = async (): Promise<void> => setFailed(!(await openFile(path, line)));
  return (
    <>
      <button
        className="jp-mod-styled"
        data-testid={testids.openFile}
        title={`${path}:${line}`}
        onClick={() => void open()}
      >
        {props.label ?? 'Open'} at line {line}
      </button>
      {failed ? <span className="caffe-nb-hint">{path} is outside the server&apos;s folder.</span> : null}
    </>
  );
}
