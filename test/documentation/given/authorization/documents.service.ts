import { Injectable } from '@nestjs/common';

@Injectable()
export class DocumentsService {
  private readonly readers = new Map([
    [1, [1, 2]],
    [2, [2]],
  ]);

  find(id: number): Promise<{ id: number; readers: number[] }> {
    return Promise.resolve({ id, readers: this.readers.get(id) ?? [] });
  }

  removeReader(id: number, reader: number): Promise<void> {
    const readers = this.readers.get(id) ?? [];
    this.readers.set(
      id,
      readers.filter((other) => other !== reader),
    );
    return Promise.resolve();
  }
}
