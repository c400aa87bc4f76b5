package dev.openlora.settlement.chain.contract;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import javax.annotation.processing.Generated;
import org.web3j.abi.FunctionEncoder;
import org.web3j.abi.TypeReference;
import org.web3j.abi.datatypes.Bool;
import org.web3j.abi.datatypes.CustomError;
import org.web3j.abi.datatypes.Function;
import org.web3j.abi.datatypes.Type;
import org.web3j.abi.datatypes.generated.Bytes32;
import org.web3j.abi.datatypes.generated.Bytes4;
import org.web3j.abi.datatypes.generated.Uint256;
import org.web3j.crypto.Credentials;
import org.web3j.protocol.Web3j;
import org.web3j.protocol.core.RemoteCall;
import org.web3j.protocol.core.RemoteFunctionCall;
import org.web3j.protocol.core.methods.response.TransactionReceipt;
import org.web3j.tx.Contract;
import org.web3j.tx.TransactionManager;
import org.web3j.tx.gas.ContractGasProvider;

/**
 * <p>Auto generated code.
 * <p><strong>Do not modify!</strong>
 * <p>Please use the <a href="https://docs.web3j.io/command_line.html">web3j command line tools</a>,
 * or the org.web3j.codegen.SolidityFunctionWrapperGenerator in the 
 * <a href="https://github.com/LFDT-web3j/web3j/tree/main/codegen">codegen module</a> to update.
 *
 * <p>Generated with web3j version 5.0.2.
 */
@SuppressWarnings("rawtypes")
@Generated("org.web3j.codegen.SolidityFunctionWrapperGenerator")
public class Wallet extends Contract {
    public static final String BINARY = "60a034606657601f6107d938819003918201601f19168301916001600160401b03831184841017606a57808492602094604052833981010312606657516001600160a01b038116810360665760805260405161075a908161007f8239608051816104e50152f35b5f80fd5b634e487b7160e01b5f52604160045260245ffdfe60806040526004361015610172575b3615610018575f80fd5b5f5460ff811661002781610576565b600181146101635761003881610576565b6002811461015d5760039061004c81610576565b1461005357005b604051905f600154610064816105e5565b906001811690811561014857506001146100f9575b505f9283929181900391839060081c6001600160a01b03165af161009b610594565b9060ff8019600254169115151617600255602081519101519063ffffffff60e01b821691600482106100d9575b50506001600160e01b031916600355005b6001600160e01b031960049290920360031b82901b161690505f806100c8565b905060015f527fb10e2d527612073b26eecdfd717e6a320cf44b4afac2b0732d9fcbe2b7fa0cf65f905b828210610134575050820182610079565b600181602092548488015201910190610123565b60ff1916855250801515028301905082610079565b5b61015e565b638ac5ff0b60e01b5f5260045ffd5b5f3560e01c80631626ba7e1461047857806324b8ba5f146104425780633f09775e1461042057806376ffb887146104035780637ceba0181461036e5763903dd84f0361000e573461036a57604036600319011261036a576101d1610560565b60243567ffffffffffffffff811161036a576101f36003913690600401610532565b5f80546001600160a81b03191660089590951b610100600160a81b03169490941790921790925567ffffffffffffffff8111610356576102346001546105e5565b601f81116102ec575b505f601f82116001146102745781925f92610269575b50505f19600383901b1c1916600191821b179055005b013590505f80610253565b601f198216927fb10e2d527612073b26eecdfd717e6a320cf44b4afac2b0732d9fcbe2b7fa0cf6915f5b8581106102d4575083600195106102bb575b505050811b01600155005b01355f19600384901b60f8161c191690555f80806102b0565b9092602060018192868601358155019401910161029e565b8181111561023d57601f820160051c906020831061034e575b601f82910160051c03905f5b82811061031f57505061023d565b5f8282017fb10e2d527612073b26eecdfd717e6a320cf44b4afac2b0732d9fcbe2b7fa0cf60155600101610311565b5f9150610305565b634e487b7160e01b5f52604160045260245ffd5b5f80fd5b606036600319011261036a57610382610560565b60443567ffffffffffffffff811161036a575f916103a583923690600401610532565b9081604051928392833781018481520391602435905af16103c4610594565b90156103fb576040602091815192839181835280519182918282860152018484015e5f828201840152601f01601f19168101030190f35b602081519101fd5b3461036a575f36600319011261036a576020600354604051908152f35b3461036a575f36600319011261036a57602060ff600254166040519015158152f35b3461036a57602036600319011261036a57600435600481101561036a5761046881610576565b60ff80195f54169116175f555f80f35b3461036a57604036600319011261036a5760243567ffffffffffffffff811161036a576104a9903690600401610532565b90600160ff5f54166104ba81610576565b14610163576104d8916104cf9160043561061d565b90929192610651565b6001600160a01b039081167f00000000000000000000000000000000000000000000000000000000000000009091160361052a576020630b135d3f60e11b5b6040516001600160e01b03199091168152f35b60205f610517565b9181601f8401121561036a5782359167ffffffffffffffff831161036a576020838186019501011161036a57565b600435906001600160a01b038216820361036a57565b6004111561058057565b634e487b7160e01b5f52602160045260245ffd5b3d156105e0573d9067ffffffffffffffff82116103565760405191601f8101601f19908116603f0116830167ffffffffffffffff8111848210176103565760405282523d5f602084013e565b606090565b90600182811c92168015610613575b60208310146105ff57565b634e487b7160e01b5f52602260045260245ffd5b91607f16916105f4565b9060418303610647576106409250602081013591604082359201355f1a906106cd565b9192909190565b50505f9160029190565b61065a81610576565b80610663575050565b61066c81610576565b600181036106835763f645eedf60e01b5f5260045ffd5b61068c81610576565b600281036106a7575063fce698f760e01b5f5260045260245ffd5b6003906106b381610576565b146106bb5750565b6335e2f38360e21b5f5260045260245ffd5b91907f7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0841161074f579160209360809260ff5f9560405194855216868401526040830152606082015282805260015afa15610744575f516001600160a01b0381161561073a57905f905f90565b505f906001905f90565b6040513d5f823e3d90fd5b5050505f916003919056";

    private static String librariesLinkedBinary;

    public static final String FUNC_FAILURE = "failure";

    public static final String FUNC_ISVALIDSIGNATURE = "isValidSignature";

    public static final String FUNC_REENTER = "reenter";

    public static final String FUNC_REENTERED = "reentered";

    public static final String FUNC_RUN = "run";

    public static final String FUNC_SET = "set";

    public static final CustomError ECDSAINVALIDSIGNATURE_ERROR = new CustomError("ECDSAInvalidSignature", 
            Arrays.<TypeReference<?>>asList());
    ;

    public static final CustomError ECDSAINVALIDSIGNATURELENGTH_ERROR = new CustomError("ECDSAInvalidSignatureLength", 
            Arrays.<TypeReference<?>>asList(new TypeReference<Uint256>() {}));
    ;

    public static final CustomError ECDSAINVALIDSIGNATURES_ERROR = new CustomError("ECDSAInvalidSignatureS", 
            Arrays.<TypeReference<?>>asList(new TypeReference<Bytes32>() {}));
    ;

    public static final CustomError REFUSED_ERROR = new CustomError("Refused", 
            Arrays.<TypeReference<?>>asList());
    ;

    @Deprecated
    protected Wallet(String contractAddress, Web3j web3j, Credentials credentials,
            BigInteger gasPrice, BigInteger gasLimit) {
        super(BINARY, contractAddress, web3j, credentials, gasPrice, gasLimit);
    }

    protected Wallet(String contractAddress, Web3j web3j, Credentials credentials,
            ContractGasProvider contractGasProvider) {
        super(BINARY, contractAddress, web3j, credentials, contractGasProvider);
    }

    @Deprecated
    protected Wallet(String contractAddress, Web3j web3j, TransactionManager transactionManager,
            BigInteger gasPrice, BigInteger gasLimit) {
        super(BINARY, contractAddress, web3j, transactionManager, gasPrice, gasLimit);
    }

    protected Wallet(String contractAddress, Web3j web3j, TransactionManager transactionManager,
            ContractGasProvider contractGasProvider) {
        super(BINARY, contractAddress, web3j, transactionManager, contractGasProvider);
    }

    public RemoteFunctionCall<byte[]> failure() {
        final Function function = new Function(FUNC_FAILURE, 
                Arrays.<Type>asList(), 
                Arrays.<TypeReference<?>>asList(new TypeReference<Bytes32>() {}));
        return executeRemoteCallSingleValueReturn(function, byte[].class);
    }

    public RemoteFunctionCall<byte[]> isValidSignature(byte[] digest, byte[] signature) {
        final Function function = new Function(FUNC_ISVALIDSIGNATURE, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.generated.Bytes32(digest), 
                new org.web3j.abi.datatypes.DynamicBytes(signature)), 
                Arrays.<TypeReference<?>>asList(new TypeReference<Bytes4>() {}));
        return executeRemoteCallSingleValueReturn(function, byte[].class);
    }

    public RemoteFunctionCall<TransactionReceipt> reenter(String target, byte[] call_) {
        final Function function = new Function(
                FUNC_REENTER, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.Address(160, target), 
                new org.web3j.abi.datatypes.DynamicBytes(call_)), 
                Collections.<TypeReference<?>>emptyList());
        return executeRemoteCallTransaction(function);
    }

    public RemoteFunctionCall<Boolean> reentered() {
        final Function function = new Function(FUNC_REENTERED, 
                Arrays.<Type>asList(), 
                Arrays.<TypeReference<?>>asList(new TypeReference<Bool>() {}));
        return executeRemoteCallSingleValueReturn(function, Boolean.class);
    }

    public RemoteFunctionCall<TransactionReceipt> run(String target, BigInteger value, byte[] data,
            BigInteger weiValue) {
        final Function function = new Function(
                FUNC_RUN, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.Address(160, target), 
                new org.web3j.abi.datatypes.generated.Uint256(value), 
                new org.web3j.abi.datatypes.DynamicBytes(data)), 
                Collections.<TypeReference<?>>emptyList());
        return executeRemoteCallTransaction(function, weiValue);
    }

    public RemoteFunctionCall<TransactionReceipt> set(BigInteger mode) {
        final Function function = new Function(
                FUNC_SET, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.generated.Uint8(mode)), 
                Collections.<TypeReference<?>>emptyList());
        return executeRemoteCallTransaction(function);
    }

    @Deprecated
    public static Wallet load(String contractAddress, Web3j web3j, Credentials credentials,
            BigInteger gasPrice, BigInteger gasLimit) {
        return new Wallet(contractAddress, web3j, credentials, gasPrice, gasLimit);
    }

    @Deprecated
    public static Wallet load(String contractAddress, Web3j web3j,
            TransactionManager transactionManager, BigInteger gasPrice, BigInteger gasLimit) {
        return new Wallet(contractAddress, web3j, transactionManager, gasPrice, gasLimit);
    }

    public static Wallet load(String contractAddress, Web3j web3j, Credentials credentials,
            ContractGasProvider contractGasProvider) {
        return new Wallet(contractAddress, web3j, credentials, contractGasProvider);
    }

    public static Wallet load(String contractAddress, Web3j web3j,
            TransactionManager transactionManager, ContractGasProvider contractGasProvider) {
        return new Wallet(contractAddress, web3j, transactionManager, contractGasProvider);
    }

    public static RemoteCall<Wallet> deploy(Web3j web3j, Credentials credentials,
            ContractGasProvider contractGasProvider, String key) {
        String encodedConstructor = FunctionEncoder.encodeConstructor(Arrays.<Type>asList(new org.web3j.abi.datatypes.Address(160, key)));
        return deployRemoteCall(Wallet.class, web3j, credentials, contractGasProvider, getDeploymentBinary(), encodedConstructor);
    }

    public static RemoteCall<Wallet> deploy(Web3j web3j, TransactionManager transactionManager,
            ContractGasProvider contractGasProvider, String key) {
        String encodedConstructor = FunctionEncoder.encodeConstructor(Arrays.<Type>asList(new org.web3j.abi.datatypes.Address(160, key)));
        return deployRemoteCall(Wallet.class, web3j, transactionManager, contractGasProvider, getDeploymentBinary(), encodedConstructor);
    }

    @Deprecated
    public static RemoteCall<Wallet> deploy(Web3j web3j, Credentials credentials,
            BigInteger gasPrice, BigInteger gasLimit, String key) {
        String encodedConstructor = FunctionEncoder.encodeConstructor(Arrays.<Type>asList(new org.web3j.abi.datatypes.Address(160, key)));
        return deployRemoteCall(Wallet.class, web3j, credentials, gasPrice, gasLimit, getDeploymentBinary(), encodedConstructor);
    }

    @Deprecated
    public static RemoteCall<Wallet> deploy(Web3j web3j, TransactionManager transactionManager,
            BigInteger gasPrice, BigInteger gasLimit, String key) {
        String encodedConstructor = FunctionEncoder.encodeConstructor(Arrays.<Type>asList(new org.web3j.abi.datatypes.Address(160, key)));
        return deployRemoteCall(Wallet.class, web3j, transactionManager, gasPrice, gasLimit, getDeploymentBinary(), encodedConstructor);
    }

    public static void linkLibraries(List<Contract.LinkReference> references) {
        librariesLinkedBinary = linkBinaryWithReferences(BINARY, references);
    }

    private static String getDeploymentBinary() {
        if (librariesLinkedBinary != null) {
            return librariesLinkedBinary;
        } else {
            return BINARY;
        }
    }
}
