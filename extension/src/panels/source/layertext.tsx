import type { ReactElement, ReactNode } from 'react';
import { useEffect, useState } from 'react';

import { useService } from '../../components/hooks';
import { testids } from '../../components/testids';
import { Unanswered, Waiting } from '../../components/unanswered';
import type { GraphNode, LayerText } from '../../protocol';
import type { Service } from '../../service';

/** A running net takes it up at its next safe point. */
const APPLY_TIMEOUT = 15_000;

/** A layer's prototxt, what its type computes, and the param_str of a Python layer, which can be changed. */
export function LayerTextView({ service, node }: { service: Service; node: GraphNode }): ReactElement {
  const net = useService(service, state => state.net) ?? '';
  const version = useService(service, state => state.states.get(node.index)?.version ?? 0);
  const [known, setKnown] = useState<LayerText | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const link = useService(service, state => state.link);
  const layer = node.index;
  useEffect(() => {
    if (link !== 'connected') {
      return;
    }
    let gone = false;
    void service.answer({ kind: 'get_layer_text', net, layer }).then(reply => {
      if (gone) {
        return;
      }
      if (typeof reply !== 'string' && reply.kind === 'layer_text') {
        setKnown(reply);
        setFailure(null);
      } else {
        setFailure(typeof reply === 'string' ? reply : `The kernel answered '${reply.kind}'.`);
      }
    });
    return () => {
      gone = true;
    };
  }, [service, net, link, layer, version]);
  const apply = async (text: string): Promise<void> => {
    const reply = await service.answer({ kind: 'set_param_str', net, layer, text }, APPLY_TIMEOUT);
    const done = typeof reply !== 'string' && reply.kind === 'layer_text' ? reply : null;
    setKnown(done ?? known);
    setFailure(done ? null : typeof reply === 'string' ? reply : `The kernel answered '${reply.kind}'.`);
  };
  if (known === null) {
    return failure === null ? <Waiting /> : <Unanswered service={service} failure={failure} />;
  }
  return (
    <>
      {known.param_str === null ? null : (
        <ParamStr key={known.param_str} running={known.param_str} onApply={text => void apply(text)} />
      )}
      {known.note ? (
        <p className="caffe-nb-note" data-testid={testids.paramNote}>
          {known.note}
        </p>
      ) : null}
      {failure === null ? null : (
        <p className="caffe-nb-failure" role="alert" data-testid={testids.paramNote}>
          {failure}
        </p>
      )}
      <details className="caffe-nb-layer-text" open={node.python === ''} data-testid={testids.layerText}>
        <summary>prototxt{node.line > 0 ? `, line ${node.line}` : ''}</summary>
        <pre tabIndex={0} role="region" aria-label={`prototxt of ${node.name}`}>
          {known.text}
        </pre>
      </details>
      {known.doc === '' ? null : (
        <details className="caffe-nb-layer-text" open={node.python === ''}>
          <summary>what {node.python || node.type} computes</summary>
          <Doc text={known.doc} />
        </details>
      )}
    </>
  );
}

function ParamStr(props: { running: string; onApply: (text: string) => void }): ReactElement {
  const { running, onApply } = props;
  const [text, setText] = useState(running);
  return (
    <form
      className="caffe-nb-param-str"
      onSubmit={event => {
        event.preventDefault();
        onApply(text);
      }}
    >
      <label>
        param_str
        <textarea
          rows={Math.min(8, Math.max(1, text.split('\n').length))}
          value={text}
          spellCheck={false}
          data-testid={testids.paramStr}
          onChange={event => setText(event.target.value)}
        />
      </label>
      <button
        className="jp-mod-styled"
        disabled={text === running}
        title="The layer's setup runs again with this text; its parameters keep their values"
        data-testid={testids.applyParam}
      >
        Apply
      </button>
    </form>
  );
}

/** A docstring: paragraphs, and numpydoc's underlined headings. */
function Doc({ text }: { text: string }): ReactElement {
  return (
    <div className="caffe-nb-doc">
      {text.split(/\n\s*\n/).map((part, at) => {
        const [first = '', second = '', ...rest] = part.split('\n');
        return /^-{3,}$/.test(second.trim()) ? (
          <section key={at}>
            <h4>{first}</h4>
            <p>{marked(rest.join('\n'))}</p>
          </section>
        ) : (
          <p key={at}>{marked(part)}</p>
        );
      })}
    </div>
  );
}

/** Text with what stands in backquotes as code. */
function marked(text: string): ReactNode[] {
  return text
    .split(/(`{1,2}[^`]+`{1,2})/)
    .map((part, at) => (part.startsWith('`') ? <code key={at}>{part.replaceAll('`', '')}</code> : part));
}
