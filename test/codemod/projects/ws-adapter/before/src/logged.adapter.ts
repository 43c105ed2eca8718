import { INestApplicationContext, Logger } from '@nestjs/common'
import { WsAdapter } from '@nestjs/platform-ws'

export class LoggedAdapter extends WsAdapter {
  constructor(app: INestApplicationContext) {
    super(app)
    Logger.log('adapter created')
  }
}

export class SlowAdapter extends LoggedAdapter {}
