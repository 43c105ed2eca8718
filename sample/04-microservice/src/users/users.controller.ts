import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { from, type Observable } from 'rxjs';

/** The handlers are the same for each transport. */
@Controller()
export class UsersController {
  private readonly users = ['ada', 'bob', 'eve'];

  @MessagePattern('app.info')
  info(): object {
    return { name: 'users', uptime: Math.round(process.uptime()) };
  }

  @MessagePattern('users.count')
  count(): number {
    return this.users.length;
  }

  @MessagePattern('users.all')
  all(): Observable<string> {
    return from(this.users);
  }

  @MessagePattern({ cmd: 'users.find' })
  find(@Payload('name') name: string): object {
    const index = this.users.indexOf(name);
    if (index === -1) throw new RpcException(`unknown user ${name}`);
    return { id: index + 1, name };
  }

  @EventPattern('users.joined')
  joined(@Payload('name') name: string): void {
    this.users.push(name);
  }
}
