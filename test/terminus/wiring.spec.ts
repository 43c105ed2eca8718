import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { EnvelopeModule } from '../../lib/index.js';
import { EnvelopeHealthIndicator } from '../../lib/terminus/index.js';
import { RecordingLogger, startApp } from '../support/app.js';
import { BareGateway } from '../support/bare-gateway.js';
import { coded } from '../support/error-code.js';

@Module({ imports: [TerminusModule], providers: [EnvelopeHealthIndicator] })
class HealthModule {}

describe('EnvelopeHealthIndicator', () => {
  const compile = (...imports: object[]): Promise<unknown> =>
    Test.createTestingModule({ imports: imports as [], providers: [EnvelopeHealthIndicator] })
      .setLogger(new RecordingLogger())
      .compile();

  it('throws an error that names the missing module', async () => {
    await expect(compile(TerminusModule)).rejects.toThrow(
      coded(
        'ERR_ENVELOPE_MISSING_MODULE',
        'EnvelopeHealthIndicator finds no EnvelopeModule: add EnvelopeModule.forRoot() to the imports of the application',
      ),
    );
    await expect(compile(EnvelopeModule.forRoot())).rejects.toThrow(
      coded('ERR_ENVELOPE_MISSING_MODULE', /import TerminusModule .* in the module/),
    );
  });

  it('throws an error when the adapter is missing', async () => {
    const module = await Test.createTestingModule({ imports: [EnvelopeModule.forRoot(), HealthModule] })
      .setLogger(new RecordingLogger())
      .compile();
    const app = module.createNestApplication();
    await app.init();
    const health = app.get(EnvelopeHealthIndicator);
    for (const ask of [() => health.isHealthy('ws'), () => health.isReady('ws')])
      expect(ask).toThrow(
        coded(
          'ERR_ENVELOPE_NO_ADAPTER',
          'finds no EnvelopeAdapter: call app.useWebSocketAdapter(new EnvelopeAdapter(app)) before app.listen()',
        ),
      );
    await app.close();
  });

  it('finds the gateways from another module', async () => {
    const app = await startApp({
      imports: [EnvelopeModule.forRoot(), HealthModule],
      providers: [BareGateway],
    });
    expect(app.nest.get(EnvelopeHealthIndicator).isReady('ws')).toEqual({
      ws: { status: 'up', connections: 0, draining: false },
    });
  });
});
