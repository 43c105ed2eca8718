import { Injectable } from '@nestjs/common';
import { isPassword } from './password.js';
import type { Role } from './user.js';

interface Account {
  roles: Role[];
  /** Made by `hashPassword`. */
  password: string;
}

/** This is a sample: three users, with passwords that the README tells everybody, in place of a table of yours. */
const ACCOUNTS = new Map<string, Account>([
  ['ada', { roles: [], password: 'AIscmotZMSVTKlouUu1DLA.1QhIaLDf5Qj_zjVSkEJWVGh9ydNgrCc4xgENPfR8iAY' }],
  ['bob', { roles: [], password: 'wXL7GS8HAbY5K-LYhZFDtw.wQWJWRtGWi7sxTXTVvFOnG86_YwnQu7JOcFziyV_cHU' }],
  [
    'root',
    { roles: ['admin'], password: '0qk4t5_GpLHx3A6LYT2eDQ.uULGZldAf8GWSU_RMSr7z6EBRs1EkJHiwZXPv65xD6s' },
  ],
]);
const NOBODY = 'sV5zAsw8Anhg14xTadBqTw.y5a1ivXHd_OOm2TcF4piSSaObDykH75InvZye5KXJhs';

@Injectable()
export class UsersService {
  rolesOf(name: string): Role[] | undefined {
    return ACCOUNTS.get(name)?.roles;
  }

  /** A name that is not there takes as long as a wrong password. */
  async isPasswordOf(name: string, password: string): Promise<boolean> {
    const account = ACCOUNTS.get(name);
    const isRight = await isPassword(password, account?.password ?? NOBODY);
    return account !== undefined && isRight;
  }
}
