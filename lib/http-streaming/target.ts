/** What a request of the transport does. */
export type Action = 'open' | 'listen' | 'send' | 'on' | 'close';

const ACTIONS: ReadonlySet<string> = new Set<Action>(['open', 'listen', 'send', 'on', 'close']);
const FIELD = 'envelope';

/** Returns what a request target asks the transport for; `undefined`: it is not meant for the transport. */
export function actionOf(target: string | undefined): Action | 'unknown' | undefined {
  // the requests of the application pay no more than this
  if (target?.includes(`${FIELD}=`) !== true) return undefined;
  const action = queryOf(target).get(FIELD);
  if (action === null) return undefined;
  return ACTIONS.has(action) ? (action as Action) : 'unknown';
}

/** Returns the target as that of a WebSocket: guards read its query. */
export function withoutAction(target: string): string {
  const [before = ''] = target.split('?', 1);
  const fields = target
    .slice(before.length + 1)
    .split('&')
    .filter((field) => !new URLSearchParams(field).has(FIELD));
  return fields.length === 0 ? before : `${before}?${fields.join('&')}`;
}

function queryOf(target: string): URLSearchParams {
  const start = target.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : target.slice(start + 1));
}
