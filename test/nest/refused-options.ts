import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeModule, type EnvelopeOptions } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { coded } from '../support/error-code.js';

/** Returns a gateway with these options, mounted on the default path of the adapter unless they name another. */
export function gateway(portOrOptions?: unknown, options?: unknown, name = 'ChatGateway'): new () => object {
  @WebSocketGateway(portOrOptions as number, options as object)
  class Chat {
    @SubscribeMessage('echo')
    echo(): string {
      return 'echo';
    }
  }
  Object.defineProperty(Chat, 'name', { value: name });
  return Chat;
}

/** Starts an application. @returns the message of the error, or 'nothing' if it starts */
export async function refusalOf(providers: (new () => object)[], adapter?: unknown): Promise<string> {
  const started = startApp({ providers }, { adapter: adapter as EnvelopeOptions });
  return started.then(
    () => 'nothing',
    (error: Error) => error.message,
  );
}

/** Starts applications with malformed options on the adapter, on a gateway and in the module. */
export async function expectRefusedEverywhere(options: object, error: string): Promise<void> {
  expect(await refusalOf([gateway()], options)).toContain(`EnvelopeAdapter: ${error}`);
  expect(await refusalOf([gateway(options)])).toContain(`ChatGateway: ${error}`);
  const module = EnvelopeModule.forRoot(options);
  const started = startApp({ imports: [module], providers: [gateway()] });
  await expect(started).rejects.toThrow(coded('ERR_ENVELOPE_INVALID_OPTION', `EnvelopeModule: ${error}`));
}
