import type { ArgumentsHost, ExecutionContext, Type } from '@nestjs/common';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { UpgradeResponse } from './upgrade-response.js';

/** The `ArgumentsHost` that filters and guards get outside of a message: it has the client, and no data. */
export class ClientHost implements ArgumentsHost {
  constructor(
    protected readonly client: EnvelopeSocket,
    private readonly pattern: string,
  ) {}
  getArgs<Args extends unknown[]>(): Args {
    return [this.client, {}, this.pattern] as unknown[] as Args;
  }
  getArgByIndex<Arg>(index: number): Arg {
    return this.getArgs()[index] as Arg;
  }
  getType<Context extends string>(): Context {
    return 'ws' as Context;
  }
  switchToWs(): ReturnType<ArgumentsHost['switchToWs']> {
    return {
      getClient: <Client>() => this.client as Client,
      getData: <Data>() => ({}) as Data,
      getPattern: () => this.pattern,
    };
  }
  switchToRpc(): ReturnType<ArgumentsHost['switchToRpc']> {
    return { getData: <Data>() => ({}) as Data, getContext: <Context>() => this.client as Context };
  }
  /**
   * Returns the client as the request, like Nest's context of a message: code that reads headers or cookies of a request finds
   * them on the client.
   */
  switchToHttp(): ReturnType<ArgumentsHost['switchToHttp']> {
    return {
      getRequest: <Request>() => this.client as Request,
      getResponse: <Response>() => ({}) as Response,
      getNext: <Next>() => this.pattern as Next,
    };
  }
}

/** The `ExecutionContext` that guards get before the connection opens. */
export class UpgradeContext extends ClientHost implements ExecutionContext {
  readonly response = new UpgradeResponse();

  constructor(
    client: EnvelopeSocket,
    private readonly type: Type,
    private readonly handler: ReturnType<ExecutionContext['getHandler']>,
  ) {
    super(client, '$upgrade');
  }
  override switchToHttp(): ReturnType<ArgumentsHost['switchToHttp']> {
    return { ...super.switchToHttp(), getResponse: <Response>() => this.response as Response };
  }
  getClass<Class>(): Type<Class> {
    return this.type;
  }
  getHandler(): ReturnType<ExecutionContext['getHandler']> {
    return this.handler;
  }
}
