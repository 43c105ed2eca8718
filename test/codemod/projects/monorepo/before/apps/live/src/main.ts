import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { LiveGateway, OtherGateway } from "./live.gateway";

@Module({ providers: [LiveGateway, OtherGateway] })
class LiveModule {}

async function bootstrap() {
	const app = await NestFactory.create(LiveModule);
	await app.listen(3002);
}
void bootstrap();
