import type { ReactElement } from 'react';
import { useEffect, useRef } from 'react';

import { useService } from '../../components/hooks';
import type { OpenFile } from '../../components/openbutton';
import { OpenButton } from '../../components/openbutton';
import { testids } from '../../components/testids';
import { Unanswered } from '../../components/unanswered';
import type { GraphNode, LayerError, SourceText } from '../../protocol';
import type { Service } from '../../service';
import { LayerTextView } from './layertext';
import { faultyLine, sourceLines, tracebackOf } from './model';
import { DifferenceView, useVersions, VersionList } from './versions';

/** A Python layer's version, its last swap, its error and its code. */
export function SourceBody(props: { service: Service; node: GraphNode; openFile: OpenFile }): ReactElement {
  const { service, node, openFile } = props;
  const layer = useService(service, state => state.states.get(node.index) ?? null);
  const source = useService(service, state => state.source);
  const error = layer?.error ?? null;
  const code = source?.layer === node.index ? source : null;
  const versions = useVersions(service, node, layer?.version ?? 0);
  if (!node.python) {
    return (
      <div className="caffe-nb-section">
        {error ? <ErrorText error={error} openFile={openFile} /> : null}
        <LayerTextView key={node.index} service={service} node={node} />
      </div>
    );
  }
  return (
    <div className="caffe-nb-section caffe-nb-source">
      <div className="caffe-nb-actions">
        <span className="caffe-nb-badge caffe-nb-python" data-testid={testids.version}>
          v{layer?.version ?? 0}
        </span>
        <code>{node.python}</code>
        {code?.text?.source.path ? (
          <OpenButton path={code.text.source.path} line={code.text.source.line} openFile={openFile} />
        ) : null}
      </div>
      {layer?.note && !error?.refused ? (
        <p className="caffe-nb-note" data-testid={testids.note}>
          {layer.note}
        </p>
      ) : null}
      {error ? <ErrorText error={error} openFile={openFile} /> : null}
      {code?.error ? <Unanswered service={service} failure={code.error} /> : null}
      {code?.text && error?.refused ? (
        <p className="caffe-nb-hint">
          The code that runs, v{layer?.version}. Line {error.line} of the file is where the edit has its
          error.
        </p>
      ) : null}
      {versions.difference ? (
        <DifferenceView difference={versions.difference} close={() => versions.compare(null)} />
      ) : code?.text ? (
        <Listing source={code.text} error={error} />
      ) : null}
      <VersionList versions={versions} />
      <LayerTextView key={node.index} service={service} node={node} />
    </div>
  );
}

function ErrorText({ error, openFile }: { error: LayerError; openFile: OpenFile }): ReactElement {
  return (
    <div className="caffe-nb-error-box">
      <div className="caffe-nb-actions">
        <strong>
          {error.refused ? 'The last edit was refused; the old code runs on.' : 'The layer failed.'}
        </strong>
        {error.path ? <OpenButton path={error.path} line={error.line} openFile={openFile} /> : null}
      </div>
      <pre data-testid={testids.traceback}>{tracebackOf(error)}</pre>
    </div>
  );
}

/** The code that runs, the error's line marked and in view. */
function Listing({ source, error }: { source: SourceText; error: LayerError | null }): ReactElement {
  const place = useRef<HTMLPreElement>(null);
  const faulty = faultyLine(source, error);
  useEffect(() => {
    const row = place.current?.querySelector<HTMLElement>('.caffe-nb-faulty');
    if (place.current && row) {
      place.current.scrollTop = row.offsetTop - place.current.clientHeight / 2;
    }
  }, [source, faulty]);
  return (
    <pre
      ref={place}
      className={error?.refused ? 'caffe-nb-listing caffe-nb-refused' : 'caffe-nb-listing'}
      data-testid={testids.sourceText}
      data-faulty={faulty ?? ''}
      role="region"
      aria-label={`code of ${source.source.qualname}`}
      tabIndex={0}
    >
      {sourceLines(source.text, source.source.line, faulty).map(line => (
        <div
          key={line.number}
          className={line.faulty ? 'caffe-nb-faulty' : undefined}
          title={line.faulty ? error?.message : undefined}
        >
          {line.faulty ? <b aria-label="the error is here">▸</b> : null}
          <span aria-hidden="true">{line.number}</span>
          <code>{line.text || ' '}</code>
        </div>
      ))}
    </pre>
  );
}
