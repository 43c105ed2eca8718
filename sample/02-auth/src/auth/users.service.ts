import { Injectable } from '@nestjs/common';
import { isPassword } from './password.js';
import type { Role } from './user.js';

interface Account {
  roles: Role[];
  /** Created by `hashPassword`. */
  password: string;
}

/** Three users whose passwords are in the README. An application uses a table of its database. */
const ACCOUNTS = new Map<string, Account>([
  ['ada', { roles: [], password: 'AIscmotZMSVTKlouUu1DLA.1QhIaLDf5Qj_zjVSkEJWVGh9ydNgrCc4xgENPfR8iAY' }],
  ['bob', { roles: [], password: 'wXL7GS8HAbY5K-LYhZFDtw.wQWJWRtGWi7sxTXTVvFOnG86_YwnQu7JOcFziyV_cHU' }],
  [
    'root',
    { roles: ['admin'], password: '0qk4t5_GpLHx3A6LYT2eDQ.uULGZldAf8GWSU_RMSr7z6EBRs1EkJHiwZXPv65xD6s' },
  ],
]);
/** The hash of a random password, for names that do not exist. */
const UNKNOWN_USER = 'sV5zAsw8Anhg14xTadBqTw.y5a1ivXHd_OOm2TcF4piSSaObDykH75InvZye5KXJhs';

@Injectable()
export class UsersService {
  rolesOf(name: string): Role[] | undefined {
    return ACCOUNTS.get(name)?.roles;
  }

  /** Takes as long for an unknown name as for a wrong password, so that the time does not show which names exist. */
  async isPasswordOf(name: string, password: string): Promise<boolean> {
    const account = ACCOUNTS.get(name);
    const isRight = await isPassword(password, account?.password ?? UNKNOWN_USER);
    return account !== undefined && isRight;
  }
}
