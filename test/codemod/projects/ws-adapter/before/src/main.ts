import { NestFactory } from '@nestjs/core'
import { WsAdapter } from '@nestjs/platform-ws'
import { AppModule } from './app.module'

const bootstrap = async () => {
  const app = await NestFactory.create(AppModule)
  app.useWebSocketAdapter(new WsAdapter(app, { messageParser: (data) => JSON.parse(String(data)) }))
  await app.listen(process.env.PORT ?? 3000)
}
void bootstrap()
