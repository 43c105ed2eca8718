import { Controller, Get, Inject, Param, Redirect } from '@nestjs/common';
import type { ClientProxy } from '@nestjs/microservices';
import { forkJoin, toArray, type Observable } from 'rxjs';

@Controller()
export class ReportsController {
  constructor(@Inject('USERS') private readonly users: ClientProxy) {}

  @Get()
  @Redirect('report')
  home(): void {}

  @Get('report')
  report(): Observable<object> {
    return forkJoin({
      info: this.users.send<object>('app.info', {}),
      count: this.users.send<number>('users.count', {}),
      names: this.users.send<string>('users.all', {}).pipe(toArray()),
    });
  }

  @Get('welcome/:name')
  welcome(@Param('name') name: string): Observable<object> {
    this.users.emit('users.joined', { name });
    return this.users.send<object>({ cmd: 'users.find' }, { name });
  }
}
