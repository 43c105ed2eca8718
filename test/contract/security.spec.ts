import { UseGuards, type CanActivate } from '@nestjs/common';
import { ApiBearerAuth, ApiSecurity } from '@nestjs/swagger';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { createContract, Security, type Contract, type ContractOptions } from '../../lib/contract/index.js';
import type { EnvelopeOptions } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { ChatGateway, GameGateway, JwtGuard, KeyGuard, ModerationGateway, RoomGateway } from './rich-app.js';
import { coded } from '../support/error-code.js';

async function contractOf(
  providers: NonNullable<Parameters<typeof startApp>[0]['providers']>,
  options: Partial<ContractOptions> = {},
  adapter: EnvelopeOptions = {},
): Promise<Contract> {
  const app = await startApp({ providers }, { adapter });
  return createContract(app.nest, { title: 'Security', version: '1.0.0', ...options });
}

/** Returns the names of the security schemes of each operation. */
function schemesOf({ operations }: Contract): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(operations).map(([key, { security = [] }]) => [
      key,
      security.map((one) => ('$ref' in one ? String(one['$ref']).replace(/.*\//, '') : `${one.type} itself`)),
    ]),
  );
}

describe('security schemes', () => {
  it('come from guards of classes and handlers, and from decorators of @nestjs/swagger', async () => {
    const contract = await contractOf([ChatGateway, ModerationGateway, GameGateway, RoomGateway, JwtGuard]);
    expect(schemesOf(contract)).toMatchObject({
      'ws-chat.say': ['bearer'],
      'ws-chat.emits.said': ['bearer'],
      'ws-chat.presence': ['api-key', 'bearer'],
      // The gateway has no guard, but another gateway of the path has one, which runs before the connection is open.
      'ws-chat.ban': ['api-key', 'bearer'],
      'games-name.play': ['bearer'],
      'rooms-room.draw': [],
    });
    expect(contract.components.securitySchemes).toEqual({
      'api-key': { type: 'httpApiKey', in: 'header', name: 'X-Api-Key' },
      bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
    });
  });

  it('of a gateway apply only to its messages if guards do not run at the upgrade', async () => {
    const contract = await contractOf(
      [ChatGateway, ModerationGateway, JwtGuard, KeyGuard],
      {},
      { upgradeGuards: false },
    );
    expect(schemesOf(contract)).toMatchObject({ 'ws-chat.say': ['bearer'], 'ws-chat.ban': ['api-key'] });
  });

  it('of handleConnection apply to all operations of the path', async () => {
    @WebSocketGateway()
    class Gateway {
      @UseGuards(KeyGuard) handleConnection(): void {}
      @SubscribeMessage('x') x(): void {}
    }
    expect(schemesOf(await contractOf([Gateway]))).toEqual({ 'root.x': ['api-key'] });
  });

  it('appear in the handshake with the location of tokens', async () => {
    const { channels } = await contractOf([ChatGateway, JwtGuard, RoomGateway]);
    expect(channels['ws-chat']!.bindings.ws).toMatchObject({
      method: 'GET',
      query: { properties: { token: { type: 'string' } } },
      headers: {
        properties: { Authorization: {}, 'Sec-WebSocket-Protocol': {}, 'X-Api-Key': { type: 'string' } },
      },
    });
    expect(channels['ws-chat']!.description).toContain('checks who may connect before the connection opens');
    expect(channels['ws-chat']!.description).toContain('envelope.auth.<text>');
    expect(channels['rooms-room']!.bindings.ws).toEqual({ method: 'GET', bindingVersion: '0.1.0' });
  });

  it('can be described in the options, also in the format of OpenAPI', async () => {
    @ApiSecurity('login', ['read'])
    @WebSocketGateway()
    class Gateway {
      @ApiBearerAuth('session') @SubscribeMessage('x') x(): void {}
    }
    const flow = { authorizationUrl: 'https://example.com/a', scopes: { read: 'Reads' } };
    const contract = await contractOf([Gateway], {
      securitySchemes: {
        login: { type: 'oauth2', flows: { implicit: flow } },
        session: { type: 'apiKey', in: 'cookie', name: 'sid' },
      },
    });
    const { scopes: availableScopes, ...rest } = flow;
    const login = { type: 'oauth2', flows: { implicit: { ...rest, availableScopes } } };
    expect(contract.components.securitySchemes).toEqual({
      login,
      session: { type: 'httpApiKey', in: 'cookie', name: 'sid' },
    });
    expect(contract.operations['root.x']!.security).toEqual([
      { ...login, scopes: ['read'] },
      { $ref: '#/components/securitySchemes/session' },
    ]);
    expect(contract.channels['root']!.bindings.ws.headers).toMatchObject({ properties: { Cookie: {} } });
  });

  it('of the options override those of guards', async () => {
    const bearer = { type: 'openIdConnect', openIdConnectUrl: 'https://example.com' };
    const contract = await contractOf([ChatGateway, JwtGuard], { securitySchemes: { bearer } });
    expect(contract.components.securitySchemes).toMatchObject({ bearer });
  });

  it('are rejected without a description or with two different ones', async () => {
    @ApiSecurity('unknown')
    @WebSocketGateway()
    class Undescribed {
      @SubscribeMessage('x') x(): void {}
    }
    await expect(contractOf([Undescribed])).rejects.toThrow(
      coded(
        'ERR_ENVELOPE_INVALID_CONTRACT',
        'createContract: Undescribed demands the security scheme "unknown", which is not described. Describe it in @Security',
      ),
    );

    @Security('bearer', { type: 'openIdConnect', openIdConnectUrl: 'https://example.com' })
    class OtherGuard implements CanActivate {
      canActivate(): boolean {
        return true;
      }
    }
    @UseGuards(OtherGuard, JwtGuard)
    @WebSocketGateway()
    class Twice {}
    await expect(contractOf([Twice])).rejects.toThrow(
      coded(
        'ERR_ENVELOPE_INVALID_CONTRACT',
        'createContract: the security scheme "bearer" has two different descriptions, the second one at JwtGuard of Twice.',
      ),
    );
  });
});
