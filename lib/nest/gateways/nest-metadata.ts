/**
 * The metadata keys of Nest's decorators. Nest exports them only from internal paths, which differ between Nest 11 and 12.
 * The strings themselves have not changed since Nest 5.
 */
export const NEST = {
  isGateway: 'websockets:is_gateway',
  gatewayOptions: 'websockets:gateway_options',
  port: 'port',
  isMessageHandler: 'websockets:message_mapping',
  message: 'message',
  parameters: '__routeArguments__',
  guards: '__guards__',
  filters: '__exceptionFilters__',
  caughtExceptions: '__filterCatchExceptions__',
} as const;

/** Returns the exception filters that `@UseFilters` set on a class or a method. */
export function filtersOf(target: object): unknown[] {
  return (Reflect.getMetadata(NEST.filters, target) as unknown[] | undefined) ?? [];
}
