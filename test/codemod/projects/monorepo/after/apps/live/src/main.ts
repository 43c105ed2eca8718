import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { EnvelopeAdapter } from "nestjs-envelope";
import { socketIO } from "nestjs-envelope/socket.io";
import { LiveGateway, OtherGateway } from "./live.gateway";

@Module({ providers: [LiveGateway, OtherGateway] })
class LiveModule {}

async function bootstrap() {
	const app = await NestFactory.create(LiveModule);
	app.useWebSocketAdapter(
		new EnvelopeAdapter(app, {
			transports: [socketIO({ path: "/a" }), socketIO({ path: "/b" })],
			replies: "requests",
		}),
	);
	await app.listen(3002);
}
void bootstrap();
