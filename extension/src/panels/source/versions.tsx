import type { ReactElement } from 'react';
import { useEffect, useState } from 'react';

import { useService } from '../../components/hooks';
import { testids } from '../../components/testids';
import type { Difference, GraphNode, VersionInfo } from '../../protocol';
import type { Service } from '../../service';
import { ago, diffLines } from './model';

/** What the kernel knows of a layer's versions, and the two that are compared. */
export interface IVersions {
  list: readonly VersionInfo[];
  /** When the list came, as `Date.now()` has it. */
  fetched: number;
  difference: Difference | null;
  failure: string;
  compare: (old: number | null) => void;
  goBack: (version: number) => void;
}

/** The versions of a Python layer's code; fetched again when another one runs. */
export function useVersions(service: Service, node: GraphNode, version: number): IVersions {
  const net = useService(service, state => state.net) ?? '';
  const [{ list, fetched }, setList] = useState<Pick<IVersions, 'list' | 'fetched'>>(NO_LIST);
  const [difference, setDifference] = useState<Difference | null>(null);
  const [failure, setFailure] = useState('');
  const link = useService(service, state => state.link);
  const layer = node.index;
  const python = node.python !== '';
  useEffect(() => {
    let over = false;
    setDifference(null);
    setFailure('');
    if (python && net !== '' && link === 'connected') {
      void service.answer({ kind: 'get_versions', net, layer }).then(reply => {
        if (!over && typeof reply !== 'string' && reply.kind === 'versions') {
          setList({ list: reply.versions, fetched: Date.now() });
        }
      });
    }
    return () => {
      over = true;
    };
  }, [service, net, link, layer, python, version]);
  const compare = async (old: number | null): Promise<void> => {
    const latest = list[list.length - 1]?.number;
    if (old === null || latest === undefined) {
      setDifference(null);
      return;
    }
    const reply = await service.answer({ kind: 'compare_versions', net, layer, old, new: latest });
    setFailure(typeof reply === 'string' ? reply : '');
    setDifference(typeof reply !== 'string' && reply.kind === 'difference' ? reply : null);
  };
  const goBack = async (to: number): Promise<void> => {
    const reply = await service.answer({ kind: 'roll_back', net, layer, version: to }, GO_BACK_TIMEOUT);
    setFailure(typeof reply === 'string' ? reply : '');
    if (typeof reply !== 'string' && reply.kind === 'versions') {
      setList({ list: reply.versions, fetched: Date.now() });
    }
  };
  return {
    list,
    fetched,
    difference,
    failure,
    compare: old => void compare(old),
    goBack: to => void goBack(to)
  };
}

const NO_LIST = { list: [], fetched: 0 };

/** A running net has its time to come to a safe point. */
const GO_BACK_TIMEOUT = 20_000;

/** The versions, the newest first, each to be compared with what runs and to be gone back to. */
export function VersionList({ versions }: { versions: IVersions }): ReactElement | null {
  const { list, fetched, difference, failure } = versions;
  if (list.length < 2) {
    return null;
  }
  const latest = list[list.length - 1]?.number;
  return (
    <div className="caffe-nb-versions" data-testid={testids.versions}>
      <h4>Versions</h4>
      {failure ? <p className="caffe-nb-failure">{failure}</p> : null}
      <ol>
        {[...list].reverse().map(version => {
          const runs = version.number === latest;
          const shown = difference?.old === version.number;
          return (
            <li key={version.number} data-testid={testids.versionRow} data-version={version.number}>
              <span className="caffe-nb-badge caffe-nb-python">v{version.number}</span>
              <span className="caffe-nb-what" title={version.what}>
                {version.what}
              </span>
              <span className="caffe-nb-hint">
                {runs ? 'runs' : <Age since={fetched - 1000 * version.seconds} />}
              </span>
              {runs ? null : (
                <>
                  <button
                    className="caffe-nb-mini"
                    aria-pressed={shown}
                    title={`What changed from v${version.number} to v${latest}`}
                    onClick={() => versions.compare(shown ? null : version.number)}
                  >
                    Compare
                  </button>
                  <button
                    className="caffe-nb-mini"
                    disabled={version.same}
                    title={
                      version.same
                        ? 'This code runs.'
                        : 'Let this version run again; the file stays as it is, and its next save is taken up.'
                    }
                    onClick={() => versions.goBack(version.number)}
                  >
                    Go back
                  </button>
                </>
              )}
            </li>
          );
        })}
      </ol>
    </div>
  );
}

/** How long ago something was; it grows while one looks. */
function Age({ since }: { since: number }): ReactElement {
  const [now, setNow] = useState(() => Date.now());
  const seconds = Math.max(0, (Math.max(now, Date.now()) - since) / 1000);
  const soon = seconds < 60;
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), soon ? 1000 : 15_000);
    return () => clearInterval(timer);
  }, [soon]);
  return <>{ago(seconds)}</>;
}

/** What changed between two versions, line by line. */
export function DifferenceView(props: { difference: Difference; close: () => void }): ReactElement {
  const { difference, close } = props;
  return (
    <>
      <div className="caffe-nb-actions">
        <strong>
          v{difference.old} → v{difference.new}
        </strong>
        <button className="jp-mod-styled" onClick={close}>
          Back to the code
        </button>
      </div>
      <pre
        className="caffe-nb-listing"
        data-testid={testids.difference}
        role="region"
        aria-label={`what changed from v${difference.old} to v${difference.new}`}
        tabIndex={0}
      >
        {difference.text === '' ? <div>The same code.</div> : null}
        {diffLines(difference.text).map((line, at) => (
          <div key={at} className={`caffe-nb-diff-${line.kind}`}>
            <code>{line.text || ' '}</code>
          </div>
        ))}
      </pre>
    </>
  );
}
