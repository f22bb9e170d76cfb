import { AjvCompiler, type BuildCompilerFromPool } from "@fastify/ajv-compiler";
import { SerializerSelector, type SerializerFactory } from "@fastify/fast-json-stringify-compiler";

const validatorsOf = AjvCompiler();
const serializersOf = SerializerSelector();

const buildValidator: BuildCompilerFromPool = (schemas, options) => {
  const compile = validatorsOf(schemas, options);
  type Validator = ReturnType<typeof compile>;
  return (schema, meta): Validator => {
    let compiled: Validator | undefined;
    const validate = (value: unknown): unknown => {
      compiled ??= compile(schema, meta);
      const result = compiled(value);
      // fastify reads the errors from the function that it has called.
      Object.assign(validate, { errors: compiled.errors });
      return result;
    };
    return validate as Validator;
  };
};

const buildSerializer: SerializerFactory = (schemas, options) => {
  const compile = serializersOf(schemas, options);
  return (route) => {
    let serialize: ReturnType<typeof compile> | undefined;
    return (value) => (serialize ??= compile(route))(value);
  };
};

/**
 * The compilers of fastify, but each schema is compiled when the first request needs it. fastify would compile those of all routes
 * at each start, and most of them are never used.
 */
export const COMPILE_ON_USE = { buildValidator, buildSerializer };
