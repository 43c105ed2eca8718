import { Controller, Get, Redirect } from '@nestjs/common';

@Controller()
export class HomeController {
  /** The explorer is what one comes for. */
  @Get()
  @Redirect('ws-docs')
  home(): void {}
}
