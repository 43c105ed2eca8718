import { NestFactory } from '@nestjs/core'
import { EnvelopeAdapter } from 'nestjs-envelope'
import { AppModule } from './app.module'

const bootstrap = async () => {
  const app = await NestFactory.create(AppModule)
  app.useWebSocketAdapter(new EnvelopeAdapter(app, { messageParser: (data) => JSON.parse(String(data)) }))
  await app.listen(process.env.PORT ?? 3000)
}
void bootstrap()
