import { startReports } from './reports/start.js';
import { startUsers } from './users/start.js';

// Two services. They share one process only so that one command starts both: the reports service has only the URL of
// the users service.
const { HTTP_PORT = '3008', TCP_PORT = '4008', REPORTS_PORT = '3009' } = process.env;
const users = await startUsers(Number(HTTP_PORT), Number(TCP_PORT));
const reports = await startReports(Number(REPORTS_PORT), `${await users.getUrl()}/rpc`);
console.log(`The users service listens on ${await users.getUrl()}/rpc`);
console.log(`The reports service listens on ${await reports.getUrl()}/`);
console.log(`Open ${await reports.getUrl()}/report`);
