import type { IAnswer } from './pending';
import { LostError } from './pending';
import type { Request } from './protocol';
import { ProtocolError } from './protocol';

/** How often a question is asked anew whose answer was lost or could not be read. */
const RETRIES = 2;

/** Ask, and ask a question anew where its answer was lost or could not be read; what does something is sent once. */
export async function insist(request: Request, ask: () => Promise<IAnswer>): Promise<IAnswer> {
  for (let left = isQuestion(request) ? RETRIES : 0; ; left--) {
    try {
      return await ask();
    } catch (error) {
      if (left === 0 || !(error instanceof ProtocolError || error instanceof LostError)) {
        throw error;
      }
    }
  }
}

function isQuestion({ kind }: Request): boolean {
  return kind === 'list_nets' || kind.startsWith('get_') || kind === 'compare_versions';
}
