import { copyText, count, decimal, Button, Empty, Section, useToast } from "../ui";
import { words } from "../words";
import { csvOf, jsonOf, plainType, textOf } from "./csv";

const w = words.query;
/** Rows that are drawn; copies hold them all. */
const mostShown = 1000;

export interface SqlAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** In the order of the columns, whose names may be twice the same. */
  readonly rows: readonly (readonly unknown[])[];
  readonly stats: { readonly wall_ms: number; readonly rows_returned: number; readonly truncated: boolean };
}

export function SqlResults({ answer, isStale }: { readonly answer: SqlAnswer; readonly isStale: boolean }): JSX.Element {
  const toast = useToast();
  const { columns, rows, stats } = answer;
  const names = columns.map(({ name }) => name);
  const copy = (text: string) => void copyText(text).then((ok) => ok && toast(words.common.copied));
  const said = [
    stats.rows_returned === 1 ? w.resultsOne : w.rows(count(stats.rows_returned)), w.within(decimal(stats.wall_ms)), ...(stats.truncated ? [w.truncated] : []),
  ];
  return (
    <Section
      flush title={w.results} text={<span role="status">{said.join(" · ")}</span>}
      actions={rows.length > 0 && (
        <>
          <Button small kind="quiet" icon="copy" onClick={() => copy(csvOf(names, rows))}>{w.copyCSV}</Button>
          <Button small kind="quiet" icon="copy" onClick={() => copy(jsonOf(names, rows))}>{w.copyJSON}</Button>
        </>
      )}
    >
      {rows.length === 0 ? <Empty icon="table" title={w.noRows} /> : (
        <div className="table-scroll results" tabIndex={0} role="region" aria-label={w.results} data-stale={isStale || undefined}>
          <table className="table">
            <thead>
              <tr>
                {columns.map((one, index) => (
                  <th
                    key={index} scope="col" className={isNumber(one.type) ? "num" : undefined} title={/Int(64|128|256)/.test(one.type) ? w.bigNumbers(one.type) : one.type}
                  >
                    {one.name}<span className="type">{plainType(one.type)}</span>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, mostShown).map((row, index) => (
                <tr key={index}>
                  {row.map((value, at) => (
                    <td key={at} className={isNumber(columns[at]?.type ?? "") ? "num" : undefined} title={textOf(value).length > 40 ? textOf(value) : undefined}>
                      {value === null ? <span className="muted">{w.none}</span> : textOf(value)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.length > mostShown && <p className="muted small pad">{w.shown(count(mostShown))}</p>}
    </Section>
  );
}

function isNumber(type: string): boolean {
  return /^(U?Int\d|Float\d|Decimal)/.test(plainType(type));
}
