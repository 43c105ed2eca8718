import { namesOf, personOf } from './people.js';

interface AvatarProps {
  readonly id: string;
  readonly size?: 'small' | 'large';
}

/** A picture: what it means is said in words beside it. */
export function Avatar({ id, size }: AvatarProps) {
  return (
    <span className={`avatar ${size ?? ''}`} data-person={id} aria-hidden="true" title={personOf(id)?.name}>
      {personOf(id)?.initials ?? '·'}
    </span>
  );
}

interface AvatarsProps {
  readonly ids: readonly string[];
  /** What they do, as in "Ada and Bo are here". */
  readonly doing: string;
}

export function Avatars({ ids, doing }: AvatarsProps) {
  if (ids.length === 0) return null;
  return (
    <span className="avatars">
      {ids.map((id) => (
        <Avatar key={id} id={id} size="small" />
      ))}
      <span className="visually-hidden">
        {namesOf(ids)} {ids.length > 1 ? 'are' : 'is'} {doing}
      </span>
    </span>
  );
}
