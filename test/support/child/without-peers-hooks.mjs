const MISSING = ['@nestjs/swagger', 'class-validator', 'class-transformer', 'json-schema-to-typescript'];

export function resolve(specifier, context, next) {
  if (MISSING.includes(specifier))
    throw Object.assign(new Error(`Cannot find package '${specifier}'`), { code: 'ERR_MODULE_NOT_FOUND' });
  return next(specifier, context);
}
