import type { ReactElement } from 'react';
import { useState } from 'react';

import { useService } from '../../components/hooks';
import type { OpenFile } from '../../components/openbutton';
import { OpenButton } from '../../components/openbutton';
import { testids } from '../../components/testids';
import type { Service } from '../../service';

/** Writes the check as a pytest file, and says where it is. */
export function ExportButton(props: { service: Service; layer: number; openFile: OpenFile }): ReactElement {
  const { service, layer, openFile } = props;
  const net = useService(service, state => state.net) ?? '';
  const [written, setWritten] = useState<string | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const write = async (): Promise<void> => {
    const reply = await service.answer({ kind: 'export_check', net, layer });
    const done = typeof reply !== 'string' && reply.kind === 'exported' ? reply.path : null;
    setWritten(done);
    setFailure(
      typeof reply === 'string' ? reply : done === null ? `The kernel answered '${reply.kind}'.` : null
    );
  };
  return (
    <>
      <button
        className="jp-mod-styled"
        data-testid={testids.exportCheck}
        title="Write this check as a pytest file, with its values beside it, into the kernel's folder"
        onClick={() => void write()}
      >
        Export as test
      </button>
      {written !== null ? (
        <>
          <span className="caffe-nb-hint" data-testid={testids.exported}>
            Written: {written.split(/[\\/]/).pop()}
          </span>
          <OpenButton path={written} line={1} label="Open test" openFile={openFile} />
        </>
      ) : null}
      {failure !== null ? <span className="caffe-nb-failure">{failure}</span> : null}
    </>
  );
}
