import { Controller, Module } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';

@Controller()
export class UsersController {
  @MessagePattern('users.count')
  count(): number {
    return 7;
  }
}

@Module({ controllers: [UsersController] })
export class AppModule {}
