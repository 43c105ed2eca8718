const PATHS = {
  close: 'M5 5l10 10M15 5L5 15',
  minus: 'M5 10h10',
  plus: 'M5 10h10M10 5v10',
  note: 'M5 4h10v8l-4 4H5zM15 12h-4v4',
  new: 'M10 3.5l1.8 4.2 4.7.4-3.5 3 1 4.5-4-2.3-4 2.3 1-4.5-3.5-3 4.7-.4z',
  packing: 'M3.5 6.5L10 3.5l6.5 3v7L10 16.5l-6.5-3zM3.5 6.5L10 10l6.5-3.5M10 10v6.5',
  shipped: 'M2.5 5.5h9v8h-9zM11.5 8.5h3.5l2.5 2.5v2.5h-6zM5.5 15.5v-2M14.5 15.5v-2',
  delivered: 'M4 10.5l4 4 8-9',
  clock: 'M10 6v4l2.5 2M10 3.5a6.5 6.5 0 100 13 6.5 6.5 0 000-13z',
  warning: 'M10 4l7 12H3zM10 9v3M10 14v.2',
  swap: 'M4 7.5h11l-3-3M16 12.5H5l3 3',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
