import { Controller, Get, Redirect } from '@nestjs/common';

@Controller()
export class HomeController {
  /** Redirects to the explorer. */
  @Get()
  @Redirect('ws-docs')
  home(): void {}
}
