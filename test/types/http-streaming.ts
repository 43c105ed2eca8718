/** Checked by `tsc`, never run: the options of `httpStreaming`. */
import type { INestApplication } from '@nestjs/common';
import { httpStreaming, type HttpStreamingOptions } from '../../lib/http-streaming/index.js';
import { EnvelopeAdapter } from '../../lib/index.js';

declare const app: INestApplication;

const options: HttpStreamingOptions = {
  node: 'a',
  rotateAfter: 0,
  rotateAt: 1,
  bodyTimeout: 1,
  cookies: ['sid'],
};
new EnvelopeAdapter(app, { transports: [httpStreaming(), httpStreaming(options)] });

// @ts-expect-error it takes milliseconds
httpStreaming({ rotateAfter: '60s' });
// @ts-expect-error a list of names
httpStreaming({ cookies: 'sid' });
// @ts-expect-error an option of the adapter
httpStreaming({ cors: true });
