/** Runs a task again and again, once at a time: several calls while it runs lead to one more run. */
export class OneAtATime {
  private state: 'idle' | 'running' | 'due' = 'idle';

  constructor(private readonly task: () => Promise<void>) {}

  /** Whether the task was asked for while it runs, and so runs once more. */
  get isDue(): boolean {
    return this.state === 'due';
  }

  run(): void {
    if (this.state !== 'idle') return void (this.state = 'due');
    this.state = 'running';
    void this.task().finally(() => {
      const { isDue } = this;
      this.state = 'idle';
      if (isDue) this.run();
    });
  }
}
