import { NestFactory } from "@nestjs/core"
import { NestFastifyApplication, FastifyAdapter } from "@nestjs/platform-fastify"
import { LiveModule } from "./live.module"

let app: NestFastifyApplication

async function bootstrap() {
	app = await NestFactory.create<NestFastifyApplication>(
		LiveModule,
		new FastifyAdapter(),
	)
	app.enableShutdownHooks()
	await app.listen(3001)
}
void bootstrap()
