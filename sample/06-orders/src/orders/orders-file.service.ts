import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { OrdersRepository, type Snapshot } from './orders.repository.js';

/** Milliseconds between a change and the file that has it. */
const DELAY = 100;

/** Keeps the orders in a file, so that they outlive the process. */
@Injectable()
export class OrdersFile implements OnModuleInit, OnApplicationShutdown {
  private readonly path: string;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly repository: OrdersRepository,
    config: ConfigService,
  ) {
    const file = config.get<string>('ORDERS_FILE', 'data/orders.json');
    this.path = file && join(import.meta.dirname, '../..', file);
  }

  onModuleInit(): void {
    if (this.path === '') return;
    try {
      this.repository.restore(JSON.parse(readFileSync(this.path, 'utf8')) as Snapshot);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  onApplicationShutdown(): void {
    if (this.timer !== undefined) this.write();
  }

  save(): void {
    if (this.path !== '') this.timer ??= setTimeout(() => this.write(), DELAY);
  }

  private write(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    mkdirSync(dirname(this.path), { recursive: true });
    writeFileSync(`${this.path}.new`, JSON.stringify(this.repository.snapshot()));
    renameSync(`${this.path}.new`, this.path);
  }
}
