import type { GraphNode } from '../../protocol';

/** The layers whose name, type or Python class holds a text; capitals do not matter. */
export function search(nodes: readonly GraphNode[], text: string): number[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') {
    return [];
  }
  return nodes
    .filter(({ name, type, python }) =>
      [name, type, python].some(word => word.toLowerCase().includes(wanted))
    )
    .map(({ index }) => index);
}

/**
 * The hit to go to from the selected layer, `step` 1 for the next and -1 for the one before. Beyond the last one comes
 * the first. Null without hits.
 */
export function nextHit(hits: readonly number[], selected: number | null, step: 1 | -1): number | null {
  const here = selected ?? -1;
  const beyond =
    step === 1 ? hits.find(index => index > here) : [...hits].reverse().find(index => index < here);
  return beyond ?? hits.at(step === 1 ? 0 : -1) ?? null;
}
