/** Milliseconds for the calculation below on a usual machine of 2026: 20 to 30. */
const SLOW = 100;

/** Whether this machine is several times slower than usual, which is common where many virtual machines share processors. */
export function isSlowMachine() {
  const start = performance.now();
  let value = 0;
  for (let index = 0; index < 20_000_000; index++) value = (value * 31 + index) | 0;
  const time = performance.now() - start;
  // uses the value, which is an integer: otherwise the compiler could drop the calculation
  return Number.isInteger(value) && time > SLOW;
}
