const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 120;
const HEIGHT = 32;
/** The number of values that fill the width at the beginning: fewer are at its end. */
const FIRST_LENGTH = 30;

/**
 * A small chart of the last values. It is hidden from screen readers: the figure beside it says the last value and the highest
 * one.
 */
export class Sparkline {
  #line = create('polyline', { class: 'line' });
  #area = create('polygon', { class: 'area' });

  constructor() {
    this.element = create('svg', {
      class: 'sparkline',
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
    });
    this.element.append(this.#area, this.#line);
  }

  /** Shows these values, the newest last. `undefined` is a gap: nothing is known of that time. */
  update(values) {
    const highest = Math.max(1e-9, ...values.filter((value) => value !== undefined));
    const step = WIDTH / (Math.max(values.length, FIRST_LENGTH) - 1);
    const first = WIDTH - step * (values.length - 1);
    const points = values.flatMap((value, index) =>
      value === undefined
        ? []
        : [[(first + index * step).toFixed(1), (HEIGHT - 2 - (HEIGHT - 4) * (value / highest)).toFixed(1)]],
    );
    const line = points.map((point) => point.join()).join(' ');
    this.#line.setAttribute('points', line);
    this.#area.setAttribute(
      'points',
      points.length < 2 ? '' : `${points[0][0]},${HEIGHT} ${line} ${points.at(-1)[0]},${HEIGHT}`,
    );
  }
}

function create(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
