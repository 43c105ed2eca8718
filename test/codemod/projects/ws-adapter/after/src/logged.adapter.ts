import { INestApplicationContext, Logger } from '@nestjs/common'
import { EnvelopeAdapter } from 'nestjs-envelope'

export class LoggedAdapter extends EnvelopeAdapter {
  constructor(app: INestApplicationContext) {
    super(app)
    Logger.log('adapter created')
  }
}

export class SlowAdapter extends LoggedAdapter {}
