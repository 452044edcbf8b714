import type { ReactElement } from 'react';
import { useState } from 'react';

import type { ICell } from '../../components/arrange';
import { limitOf } from '../../components/colormap';
import { formatNumber } from '../../components/format';
import { useService } from '../../components/hooks';
import type { OpenFile } from '../../components/openbutton';
import { OpenButton } from '../../components/openbutton';
import { testids } from '../../components/testids';
import type { Check, CheckRow, GraphNode } from '../../protocol';
import type { Service } from '../../service';
import { Sliders } from '../tensor/axes';
import type { IViewState } from '../tensor/model';
import { USUAL, shapeText } from '../tensor/model';
import { PartView, useView } from '../tensor/part';
import { ExportButton } from './export';
import { indexText, onLines, pictured, worstFirst } from './model';

/** The last gradient check of a layer, and a button to run one. */
export function GradientsBody(props: {
  service: Service;
  node: GraphNode;
  openFile: OpenFile;
}): ReactElement {
  const { service, node, openFile } = props;
  const check = useService(service, state => state.states.get(node.index)?.check ?? null);
  const failure = useService(service, state => state.checkErrors.get(node.index) ?? null);
  const checking = useService(service, state => state.checking.has(node.index));
  return (
    <div className="caffe-nb-section">
      <div className="caffe-nb-actions">
        <button
          className="jp-mod-styled jp-mod-accept"
          data-testid={testids.checkButton}
          disabled={checking}
          onClick={() => void service.check(node.index)}
        >
          {checking ? 'Checking…' : 'Check gradients'}
        </button>
        <span className="caffe-nb-hint">
          Backward against central differences, on the net&apos;s own blobs.
        </span>
      </div>
      {failure ? <p className="caffe-nb-failure">{failure}</p> : null}
      {check ? <Result check={check} /> : null}
      {check && !check.ok ? (
        <div className="caffe-nb-actions">
          {check.path !== '' ? (
            <OpenButton path={check.path} line={check.line} label="Open backward" openFile={openFile} />
          ) : null}
          <ExportButton key={node.index} service={service} layer={node.index} openFile={openFile} />
        </div>
      ) : null}
      {check && onLines(check) ? (
        <div className="caffe-nb-actions">
          <button
            className="jp-mod-styled"
            data-testid={testids.checkFull}
            disabled={checking}
            title="Two runs of forward for each element; then the gradients are shown as pictures"
            onClick={() => void service.check(node.index, true)}
          >
            Compare element by element
          </button>
          <span className="caffe-nb-hint">So far all elements at once, along a random line.</span>
        </div>
      ) : null}
      {check ? <Pictures service={service} layer={node.index} check={check} /> : null}
      {!check && !failure && !checking ? (
        <p className="caffe-nb-hint">This layer has not been checked yet.</p>
      ) : null}
    </div>
  );
}

/** The gradients of the bottoms and parameters that failed; of the first that was checked where none did. */
function Pictures(props: { service: Service; layer: number; check: Check }): ReactElement {
  const { service, layer, check } = props;
  return (
    <>
      {pictured(check).map(({ row, at }) => (
        <GradientCard
          key={`${layer} ${at} ${row.max_error} ${row.analytic} ${row.numeric}`}
          service={service}
          name={row.where}
          place={`check:${layer}:${at}`}
        />
      ))}
    </>
  );
}

/** What backward gave, what differences gave and the error, side by side under one cursor. */
function GradientCard(props: { service: Service; name: string; place: string }): ReactElement {
  const { service, name, place } = props;
  const [look, setLook] = useState(USUAL);
  const [cell, setCell] = useState<ICell | null>(null);
  const backward = useView(service, `${place}:backward`, 'diff', look);
  const differences = useView(service, `${place}:differences`, 'diff', look);
  const error = useView(service, `${place}:error`, 'diff', look);
  const parts = { backward, differences, error };
  const limitIn = (state: IViewState | null): number =>
    state?.tensor ? limitOf(state.tensor.statistics) : 0;
  const common = Math.max(limitIn(backward), limitIn(differences)); // a factor is to be seen
  return (
    <section className="caffe-nb-blob caffe-nb-gradients" aria-label={`gradients of ${name}`}>
      <header>
        <span className="caffe-nb-name">{name}</span>
      </header>
      {backward?.tensor ? <Sliders tensor={backward.tensor} look={look} onChange={setLook} /> : null}
      <div className="caffe-nb-parts">
        {Object.entries(parts).map(([title, state]) => (
          <PartView
            key={title}
            blob={{ ref: `${place}:${title}`, name }}
            part="diff"
            title={title}
            limit={title === 'error' ? limitIn(error) : common}
            state={state}
            cell={cell}
            onHover={setCell}
          />
        ))}
      </div>
    </section>
  );
}

function headline(check: Check): string {
  const count = check.findings.length;
  if (count > 0) {
    return count === 1 ? 'A mistake was found.' : `${count} mistakes were found.`;
  }
  return check.message || (check.ok ? 'passed' : 'failed');
}

function Result({ check }: { check: Check }): ReactElement {
  return (
    <div data-testid={testids.checkResult} data-ok={check.ok}>
      <p className={check.ok ? 'caffe-nb-verdict caffe-nb-pass' : 'caffe-nb-verdict caffe-nb-fail'}>
        <span aria-hidden="true">{check.ok ? '✓' : '✗'}</span> {headline(check)}
      </p>
      {check.findings.length > 0 ? (
        <ul className="caffe-nb-findings">
          {check.findings.map(finding => (
            <li
              key={`${finding.kind} ${finding.where}`}
              data-testid={testids.finding}
              data-kind={finding.kind}
              data-where={finding.where}
            >
              <strong>{finding.kind}</strong>
              {finding.where ? <code>{finding.where}</code> : null}
              <div>{finding.message}</div>
            </li>
          ))}
        </ul>
      ) : null}
      <table className="caffe-nb-table">
        <thead>
          <tr>
            <th>where</th>
            <th className="caffe-nb-number">error</th>
            <th className="caffe-nb-number">backward</th>
            <th className="caffe-nb-number">differences</th>
          </tr>
        </thead>
        <tbody>
          {worstFirst(check).map(row => (
            <Row key={row.where} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** One bottom or parameter; what stands there is of its worst element. */
function Row({ row }: { row: CheckRow }): ReactElement {
  const { skipped } = row;
  return (
    <tr
      className={row.ok ? undefined : 'caffe-nb-fail'}
      data-testid={testids.checkRow}
      data-where={row.where}
      data-ok={row.ok}
      data-skipped={skipped}
      title={row.note}
    >
      <th scope="row">
        <span aria-hidden="true">{skipped ? '–' : row.ok ? '✓' : '✗'}</span> {row.where}
        <div className="caffe-nb-hint">{shapeText(row.shape)}</div>
      </th>
      {skipped ? (
        <td colSpan={3} className="caffe-nb-hint">
          skipped{row.note ? `: ${row.note}` : ''}
        </td>
      ) : (
        <>
          <td className="caffe-nb-number">
            {formatNumber(row.max_error ?? NaN, 3)}
            <div className="caffe-nb-hint">{row.line ? 'along a line' : `at ${indexText(row.worst)}`}</div>
          </td>
          <td className="caffe-nb-number">{formatNumber(row.analytic ?? NaN)}</td>
          <td className="caffe-nb-number">{formatNumber(row.numeric ?? NaN)}</td>
        </>
      )}
    </tr>
  );
}
