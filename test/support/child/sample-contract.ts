import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { contractToTypes, createContract, type ContractOptions } from '../../../lib/contract/index.js';
import { serveCommands } from './program.js';

serveCommands({
  /** Returns the types of a sample, whose name is a folder of `sample/`. */
  async types(sample: string, options: ContractOptions) {
    const file = pathToFileURL(join(process.cwd(), 'sample', sample, 'src/app.module.ts')).href;
    const { AppModule } = (await import(file)) as { AppModule: new () => object };
    const app = await NestFactory.createApplicationContext(AppModule, { preview: true, logger: false });
    return contractToTypes(await createContract(app, { title: sample, version: '1.0.0', ...options }));
  },
});

// keeps the process alive while the contract is created
process.channel!.ref();
