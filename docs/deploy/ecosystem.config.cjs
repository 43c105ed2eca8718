// pm2: a process for each core, on one port. `pm2 start ecosystem.config.cjs`, and for a deploy `pm2 reload chat`, which starts a
// new process before it ends an old one.
//
// The processes need an adapter for their broadcasts: one of Redis. @socket.io/cluster-adapter needs code in the primary process,
// and that is pm2 here.

module.exports = {
  apps: [
    {
      name: 'chat',
      script: 'dist/main.js',
      exec_mode: 'cluster',
      instances: 'max',
      // pm2 sends SIGINT, on which app.enableShutdownHooks() closes the application: shutdownTimeout (5 s), sending the clients
      // away (5 s), closing handshakes, handleDisconnect, and messages on their way to Redis (2 s each), so at most 16 s. After
      // this time pm2 kills the process; its default of 1.6 s cuts connections while answers are on their way. Milliseconds.
      kill_timeout: 25_000,
      // for the start, until the process listens
      listen_timeout: 30_000,
      env: { NODE_ENV: 'production', PORT: '3000' },
    },
  ],
};
