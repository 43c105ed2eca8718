import { NestFactory } from "@nestjs/core"
import { NestFastifyApplication, FastifyAdapter } from "@nestjs/platform-fastify"
import { EnvelopeAdapter } from "nestjs-envelope"
import { LiveModule } from "./live.module"

let app: NestFastifyApplication

async function bootstrap() {
	app = await NestFactory.create<NestFastifyApplication>(
		LiveModule,
		new FastifyAdapter(),
	)
	app.useWebSocketAdapter(
		new EnvelopeAdapter(app, {
			// cors: { origin: 'https://app.example' }, // other sites whose pages may connect; default: none
			// path: '/ws', // for gateways that name no path; default: '/'
			// recovery: true, // clients get the messages that they missed while they were disconnected
			// trustProxy: 'loopback', // the proxy in front of the server, for the addresses of clients
		}),
	)
	app.enableShutdownHooks()
	await app.listen(3001)
}
void bootstrap()
