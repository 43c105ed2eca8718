import { Injectable } from '@nestjs/common';

@Injectable()
export class UsersService {
  findByToken(token: unknown): Promise<{ id: number } | undefined> {
    return Promise.resolve(token === 'a token' ? { id: 42 } : undefined);
  }
}
